// The client of the benches: a plain NATS connection and what the contract says, as anybody's program would have it.
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
  newId(): string;
  /** Submits a task with this body (JSON without its id); resolves once it was answered, and rejects where it was refused. */
  submit(id: string, body: string): Promise<void>;
  /** Resolves with the notice of its end; to be called before there can be one. */
  ended(id: string): Promise<Ended>;
  /** Both, under a new id. */
  run(body: string): Promise<Ended>;
  /** Asks a door, such as `task`, `get`; rejects where the answer is an error. */
  ask<T>(noun: string, verb: string, body: object, timeoutMs?: number): Promise<T>;
  /** What every stream holds, buckets included. */
  streams(): Promise<ReadonlyMap<string, StreamState>>;
  close(): Promise<void>;
}

interface Asked {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const names = namesOf();
const waysToEnd = ['succeeded', 'failed', 'cancelled'];

export const connectClient = async (url: string, door: Door = 'validated'): Promise<BenchClient> => {
  const connection = await connect({ servers: url, name: 'bench' });
  const asked = new Map<string, Asked>();
  const endings = new Map<string, (ended: Ended) => void>();
  const inbox = createInbox();
  const run = `b${process.pid.toString(36)}${Date.now().toString(36)}`;
  let count = 0;

  // One subscription for all answers, and one for each way to end: what a client does that has many tasks in flight.
  connection.subscribe(`${inbox}.*`, {
    callback: (_, message) => {
      const id = message.subject.slice(inbox.length + 1);
      const one = asked.get(id);
      if (one === undefined) return;
      asked.delete(id);
      const wrong = refusalIn(message, door);
      if (wrong === null) one.resolve();
      else one.reject(new Error(`The task ${id} was not taken: ${wrong}`));
    },
  });
  for (const status of waysToEnd)
    connection.subscribe(names.notice('default', '*', status), {
      callback: (_, message) => {
        const id = message.subject.split('.')[3] ?? '';
        const resolve = endings.get(id);
        if (resolve === undefined) return;
        endings.delete(id);
        resolve(message.json<Ended>());
      },
    });
  await connection.flush();

  const subject = door === 'validated' ? names.api('task', 'submit') : names.submit();
  const request = async <T>(name: string, body: string, timeout: number): Promise<T> => {
    const message = await connection.request(name, body, { timeout });
    const answer = message.json<T & { error?: { code: string; message: string } }>();
    if (answer.error !== undefined) throw new Error(`${name}: ${answer.error.code}: ${answer.error.message}`);
    return answer;
  };
  const client: BenchClient = {
    newId: () => `${run}-${(count++).toString(36)}`,
    submit: (id, body) =>
      new Promise((resolve, reject) => {
        asked.set(id, { resolve, reject });
        connection.publish(subject, `{"task_id":"${id}",${body.slice(1)}`, { reply: `${inbox}.${id}` });
      }),
    ended: (id) => new Promise((resolve) => void endings.set(id, resolve)),
    run: async (body) => {
      const id = client.newId();
      const ended = client.ended(id);
      await client.submit(id, body);
      return ended;
    },
    ask: (noun, verb, body, timeoutMs = 60_000) => request(names.api(noun, verb), JSON.stringify(body), timeoutMs),
    streams: async () => {
      const { streams } = await request<StreamList>('$JS.API.STREAM.LIST', '{"offset":0}', 60_000);
      return new Map(
        streams.map(({ config, state }) => [
          config.name,
          { messages: state.messages, bytes: state.bytes, lastSeq: state.last_seq },
        ]),
      );
    },
    close: () => connection.close(),
  };
  return client;
};

interface StreamList {
  readonly streams: readonly {
    readonly config: { readonly name: string };
    readonly state: { readonly messages: number; readonly bytes: number; readonly last_seq: number };
  }[];
}

/** Null where the task was taken. Most answers are not even looked into. */
const refusalIn = (message: Msg, door: Door): string | null => {
  if (door === 'durable') return message.string().includes('"error"') ? message.string() : null;
  const { headers } = message;
  if (headers === undefined) return null;
  if (headers.code === 503) return 'nobody serves this door; is a coordinator running?';
  return headers.has('Nats-Service-Error') ? headers.get('Nats-Service-Error') : null;
};
