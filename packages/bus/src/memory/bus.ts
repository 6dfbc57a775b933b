// The bus over a broker in memory: one of these is what one process has.
import { limits } from '@capstan/contracts';
import { answerHeaders, brokenInside } from '../answer.ts';
import { BusError } from '../error.ts';
import { guarded } from '../nats/line.ts';
import type { Answer, Bus, Delivery, Running, Said, Saying, Service, Wire } from '../port.ts';
import { askInMemory } from './ask.ts';
import type { Broker } from './broker.ts';
import { memoryLog } from './log.ts';
import { memoryObjects } from './objects.ts';
import { memoryStore } from './store.ts';
import { MemoryTaker } from './taker.ts';
import { bytesOf, Way } from './way.ts';

export interface MemoryBus extends Bus, AsyncDisposable {
  readonly broker: Broker;
  /** The process dies: nothing more reaches it, nothing more comes of what it began. */
  crash(): void;
}

export const memoryBus = (broker: Broker): MemoryBus => {
  const way = new Way(broker);
  const { names } = broker;
  const running = new Set<Running>();
  let ended: (error: Error | undefined) => void = () => {};
  const closed = new Promise<Error | undefined>((resolve) => (ended = resolve));

  const kept = <T extends Running>(one: T): T => {
    running.add(one);
    return one;
  };
  const end = async (): Promise<void> => {
    await Promise.all([...running].map((one) => one.stop()));
    await way.idle();
    if (way.alive) for (const watcher of [...way.watchers]) watcher.closed?.();
    way.alive = false;
    ended(undefined);
  };

  const say = (saying: Saying, expect: 0 | null): Promise<Said> => {
    const data = bytesOf(saying.data);
    const headers = Object.entries(saying.headers ?? {});
    checkHeaders(headers);
    const size = data.length + headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
    if (size > broker.maxPayload)
      return Promise.reject(new BusError('too_large', `${saying.subject}: larger than the server takes.`));
    const id = expect === null ? saying.headers?.['Nats-Msg-Id'] : undefined;
    let stored = 0;
    return way.ask(saying.subject, () => {
      const stream = broker.streamOf(saying.subject);
      if (!stream) throw new BusError('unavailable', `${saying.subject}: nobody answers for it.`);
      broker.tell(saying.subject, data, headers);
      if (saying.unless !== undefined && stream.newest(saying.unless) !== undefined) return saidBefore;
      // It was stored, and is asked again for want of an answer: over NATS an id that is made up serves for this.
      if (expect === null && stored > 0) return { seq: stored, again: false };
      const seen = id === undefined ? 0 : stream.seenId(id);
      if (seen > 0) return { seq: seen, again: true };
      const seqs = stream.write([{ subject: saying.subject, data, headers, expect }]);
      if (seqs === null) return saidBefore;
      stored = seqs[0] as number;
      if (id !== undefined) stream.rememberId(id, stored);
      return { seq: stored, again: false };
    });
  };

  const listen = (filter: string, on: (wire: Wire) => void, group: string | null): Running => {
    const leave = broker.listen({
      filter,
      group,
      hear: (subject, data, headers, reply) => {
        if (way.alive)
          guarded(() =>
            on({
              subject,
              data,
              reply,
              header: (name) => headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1],
            }),
          );
      },
    });
    return kept({ stop: async () => leave() });
  };

  const take = (
    stream: string,
    queue: string,
    concurrency: number,
    on: (delivery: Delivery) => void,
    open: () => void,
  ): Running => kept(new MemoryTaker(way, `${stream}/${queue}`, concurrency, on, open));
  const openQueue = (queue: string): void => broker.openQueue(names.streams.orders, queue, [names.orders(queue)]);
  const openTasks = (): void => broker.openQueue(names.streams.tasks, 'coordinator', [], -1);

  return {
    names,
    broker,
    once: (saying) => say(saying, 0),
    append: (saying) => say(saying, null),
    log: (stream) => memoryLog(way, stream, kept),
    store: (bucket) => memoryStore(way, bucket, kept),
    objects: (bucket) => memoryObjects(way, bucket),
    openQueue: (queue) => way.ask(`open ${queue}`, () => openQueue(queue)),
    queues: () =>
      way.ask('queues', () => {
        const prefix = `${names.streams.orders}/`;
        return [...broker.queues.keys()].flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
      }),
    queueInfo: (queue) =>
      way.ask(`queue ${queue}`, () => {
        const found = broker.queues.get(`${names.streams.orders}/${queue}`);
        return found
          ? {
              delivered: found.delivered,
              floor: found.floor,
              pending: found.waiting,
              unacknowledged: found.unacknowledged,
            }
          : null;
      }),
    takeOrders: async (queue, concurrency, on) =>
      take(names.streams.orders, queue, concurrency, on, () => openQueue(queue)),
    takeTasks: async (on) => take(names.streams.tasks, 'coordinator', limits.readBatch, on, openTasks),
    tell: (subject, data, headers) => {
      const lines = Object.entries(headers ?? {});
      checkHeaders(lines);
      if (way.alive) broker.publish(subject, bytesOf(data), lines);
    },
    listen: (subject, on, group) => listen(subject, on, group ?? null),
    ask: (subject, data, timeoutMs = limits.requestTimeoutMs) => askInMemory(way, subject, data, timeoutMs),
    serve: async ({ name, endpoints }: Service) => {
      const served = endpoints.map(({ subject, on }) =>
        listen(
          subject,
          (wire) =>
            void on(wire)
              .catch(() => brokenInside)
              .then((answer) => way.alive && respond(broker, wire.reply, answer)),
          name,
        ),
      );
      return { stop: async () => void (await Promise.all(served.map((one) => one.stop()))) };
    },
    connected: () => way.alive && broker.up,
    closed,
    close: end,
    [Symbol.asyncDispose]: end,
    crash: () => {
      way.alive = false;
      void end();
    },
  };
};

const respond = (broker: Broker, reply: string | null, answer: Answer): void => {
  if (reply !== null) broker.tell(reply, bytesOf(answer.data), Object.entries(answerHeaders(answer)));
};

const checkHeaders = (headers: [string, string][]): void => {
  for (const [name, value] of headers) {
    if (!/^[!-9;-~]+$/.test(name) || /[\r\n\0]/.test(value))
      throw new TypeError(`A header "${name.slice(0, 64)}" can't be sent as it is.`);
  }
};

const saidBefore: Said = Object.freeze({ seq: 0, again: true });
