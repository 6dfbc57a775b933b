// The client of the benches: a plain NATS connection and what docs of the contract say, as anybody's program would have it.
import { namesOf } from '@capstan/contracts';
import { connect, createInbox, type Msg } from 'nats';

/** What the closing notice of a task says of it. */
export interface Ended {
  readonly status: string;
  readonly counts: Readonly<Record<string, number>>;
}

export interface StreamState {
  readonly messages: number;
  readonly bytes: number;
  readonly lastSeq: number;
}

export type Door = 'validated' | 'durable';

export interface BenchClient {
  /** Submits a task with this body (JSON without its id), and resolves once it was answered and has ended. */
  run(body: string): Promise<Ended>;
  /** The same without waiting for the end. */
  submit(id: string, body: string): Promise<void>;
  newId(): string;
  /** Asks a door, such as `task`, `get`. */
  ask(noun: string, verb: string, body: object): Promise<Record<string, unknown>>;
  /** What every stream holds, buckets included. */
  streams(): Promise<ReadonlyMap<string, StreamState>>;
  close(): Promise<void>;
}

interface Waiting {
  answered: boolean;
  ended: Ended | null;
  readonly resolve: (ended: Ended) => void;
  readonly reject: (error: Error) => void;
}

const names = namesOf();
const endings = ['succeeded', 'failed', 'cancelled'];

export const connectClient = async (url: string, door: Door = 'validated'): Promise<BenchClient> => {
  const connection = await connect({ servers: url, name: 'bench' });
  const waiting = new Map<string, Waiting>();
  const inbox = createInbox();
  const run = `b${process.pid.toString(36)}${Date.now().toString(36)}`;
  let count = 0;

  const settle = (id: string, one: Waiting) => {
    if (!one.answered || one.ended === null) return;
    waiting.delete(id);
    one.resolve(one.ended);
  };
  const fail = (id: string, one: Waiting, error: Error) => {
    waiting.delete(id);
    one.reject(error);
  };
  // One subscription for all answers, and one for each way to end: what a client does that has many tasks in flight.
  connection.subscribe(`${inbox}.*`, {
    callback: (_, message) => {
      const id = message.subject.slice(inbox.length + 1);
      const one = waiting.get(id);
      if (one === undefined) return;
      const wrong = refusalIn(message, door);
      if (wrong !== null) return fail(id, one, new Error(`The task ${id} was not taken: ${wrong}`));
      one.answered = true;
      settle(id, one);
    },
  });
  for (const status of endings)
    connection.subscribe(names.notice('default', '*', status), {
      callback: (_, message) => {
        const id = message.subject.split('.')[3] ?? '';
        const one = waiting.get(id);
        if (one === undefined) return;
        one.ended = message.json<Ended>();
        settle(id, one);
      },
    });
  await connection.flush();

  const subject = door === 'validated' ? names.api('task', 'submit') : names.submit();
  const newId = () => `${run}-${(count++).toString(36)}`;
  const publish = (id: string, body: string) =>
    connection.publish(subject, `{"task_id":"${id}",${body.slice(1)}`, { reply: `${inbox}.${id}` });

  const ask = async (name: string, body: string): Promise<Record<string, unknown>> => {
    const message = await connection.request(name, body, { timeout: 60_000 });
    return message.json<Record<string, unknown>>();
  };
  return {
    newId,
    run: (body) => {
      const id = newId();
      const ended = new Promise<Ended>(
        (resolve, reject) => void waiting.set(id, { answered: false, ended: null, resolve, reject }),
      );
      publish(id, body);
      return ended;
    },
    submit: async (id, body) => {
      const taken = new Promise<Ended>(
        (resolve, reject) =>
          void waiting.set(id, { answered: false, ended: { status: 'taken', counts: {} }, resolve, reject }),
      );
      publish(id, body);
      await taken;
    },
    ask: (noun, verb, body) => ask(names.api(noun, verb), JSON.stringify(body)),
    streams: async () => {
      const answer = (await ask('$JS.API.STREAM.LIST', '{"offset":0}')) as unknown as {
        streams: { config: { name: string }; state: { messages: number; bytes: number; last_seq: number } }[];
      };
      return new Map(
        answer.streams.map(({ config, state }) => [
          config.name,
          { messages: state.messages, bytes: state.bytes, lastSeq: state.last_seq },
        ]),
      );
    },
    close: () => connection.close(),
  };
};

/** Null where the task was taken. Most answers are not even looked into. */
const refusalIn = (message: Msg, door: Door): string | null => {
  if (door === 'durable') return message.string().includes('"error"') ? message.string() : null;
  const { headers } = message;
  if (headers === undefined) return null;
  if (headers.code === 503) return 'nobody serves this door; is a coordinator running?';
  return headers.has('Nats-Service-Error') ? headers.get('Nats-Service-Error') : null;
};
