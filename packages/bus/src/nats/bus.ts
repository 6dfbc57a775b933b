// The bus over NATS: what the port promises, put together from the files beside this one.
import { limits, type Names } from '@capstan/contracts';
import type { Bus, Delivery, QueueInfo, Running } from '../port.ts';
import { makeConsumer, nanos } from './api.ts';
import { askOver } from './ask.ts';
import { guarded, type Line } from './line.ts';
import { natsLog } from './log.ts';
import { natsObjects } from './objects.ts';
import type { Publisher } from './publisher.ts';
import { refusal } from './refusal.ts';
import { rehearseLine } from './rehearse.ts';
import { serve } from './serve.ts';
import { natsStore } from './store.ts';
import { consumerInfo, consumersOf, Taker } from './taker.ts';
import { headerBytes, headerLines, wireOf } from './wire.ts';

export interface NatsBus extends Bus, AsyncDisposable {
  /** For `prepare`, and for what only NATS can do. */
  readonly line: Line;
  /** Runs what runs for each message once beforehand, so that it is compiled when the first one comes. */
  rehearse(): Promise<void>;
}

/** The durable consumer that the coordinators share for the plain door. */
const tasksConsumer = 'coordinator';

export const natsBus = (
  line: Line,
  publisher: Publisher,
  names: Names,
  closed: Promise<Error | undefined>,
): NatsBus => {
  const { connection, asker } = line;
  const running = new Set<Running>();
  const kept = <T extends Running>(one: T): Running => {
    const entry: Running = {
      stop: () => {
        running.delete(entry);
        return one.stop();
      },
    };
    running.add(entry);
    return entry;
  };

  const openQueue = (queue: string): Promise<void> =>
    openConsumer(line, names.streams.orders, queue, names.orders(queue), line.maxDeliver);

  const take = (
    stream: string,
    consumer: string,
    concurrency: number,
    on: (delivery: Delivery) => void,
    open: () => Promise<void>,
  ) => kept(new Taker(line, { stream, consumer, concurrency, on, open }).start());

  const bus: NatsBus = {
    names,
    line,
    rehearse: () => rehearseLine(line),
    once: (saying) => publisher.once(saying),
    append: (saying) => publisher.append(saying),
    log: (stream) => {
      const log = natsLog(line, stream);
      return { ...log, read: async (options) => kept(await log.read(options)) };
    },
    store: (bucket) => {
      const store = natsStore(line, publisher, bucket);
      return { ...store, watch: async (on, onReady) => kept(await store.watch(on, onReady)) };
    },
    objects: (bucket) => natsObjects(line, bucket),
    openQueue,
    queues: () => consumersOf(line, names.streams.orders),
    async queueInfo(queue): Promise<QueueInfo | null> {
      const info = await consumerInfo(line, names.streams.orders, queue);
      if (!info) return null;
      return {
        delivered: info.delivered.stream_seq,
        floor: info.ack_floor.stream_seq,
        pending: info.num_pending,
        unacknowledged: info.num_ack_pending,
      };
    },
    takeOrders: async (queue, concurrency, on) =>
      take(names.streams.orders, queue, concurrency, on, () => openQueue(queue)),
    takeTasks: async (on) =>
      take(names.streams.tasks, tasksConsumer, limits.readBatch, on, () => openTasks({ line, names })),
    tell(subject, data, headers) {
      const lines = headerLines(headers);
      // What is only for watching is not kept for later.
      if (line.online()) line.outgoing.publish(subject, data, lines ? headerBytes(lines) : undefined);
    },
    listen(subject, on, group) {
      const subscription = connection.subscribe(subject, {
        ...(group === undefined ? {} : { queue: group }),
        callback: (error, msg) => {
          if (error) line.warn(`Listening to ${subject} was refused: ${error.message}`);
          else guarded(() => on(wireOf(msg)));
        },
      });
      return kept({ stop: async () => subscription.unsubscribe() });
    },
    ask: (subject, data, timeoutMs = limits.requestTimeoutMs) => askOver(line, subject, data, timeoutMs),
    serve: async (service) => kept(await serve(line, service)),
    connected: () => line.online(),
    closed,
    async close() {
      if (connection.isClosed()) return;
      await Promise.all([...running].map((one) => one.stop()));
      let late: NodeJS.Timeout | undefined;
      await Promise.race([asker.idle(), new Promise((resolve) => (late = setTimeout(resolve, limits.drainMs)))]);
      clearTimeout(late);
      asker.close();
      line.outgoing.flush();
      if (line.online()) await connection.drain().catch(() => connection.close());
      else await connection.close();
    },
    [Symbol.asyncDispose]: () => bus.close(),
  };
  return bus;
};

/** No limit of deliveries: at such a limit a work queue hides the message, and only whoever sees it can bury it. */
export const openTasks = ({ line, names }: Pick<NatsBus, 'line' | 'names'>): Promise<void> =>
  openConsumer(line, names.streams.tasks, tasksConsumer, undefined, -1);

/** A consumer that is there already stays as it is: an operator may have changed it. */
const openConsumer = async (
  line: Line,
  stream: string,
  name: string,
  filter: string | undefined,
  maxDeliver: number,
): Promise<void> => {
  const made = await makeConsumer(
    line.asker,
    stream,
    {
      name,
      durable_name: name,
      deliver_policy: 'all',
      ack_policy: 'explicit',
      ack_wait: nanos(line.ackWaitMs),
      max_deliver: maxDeliver,
      max_ack_pending: limits.maxAckPending,
      ...(filter === undefined ? {} : { filter_subject: filter }),
      replay_policy: 'instant',
    },
    'create',
  );
  if (!made.ok && made.error.err_code !== alreadyExists && made.error.err_code !== nameInUse)
    throw refusal(made.error, `${stream}.${name}`);
};

const alreadyExists = 10_148;
const nameInUse = 10_013;
