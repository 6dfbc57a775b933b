// Orders that lie in a queue which nobody serves any more. Each coordinator says of those of its own partitions that nobody is there; once that is
// said of all, one of them takes the orders out of the queue, or agents that come back would do in vain what others have been asked to do since.
import { decodeTrusted, type Message, partitionOf, type Running } from '@capstan/bus';
import { limits, type Order, parseOrderSubject } from '@capstan/contracts';
import { hearsOfUnserved, runsNow } from '@capstan/engine';
import { type Deserted, nobodyServes } from './deserted.ts';
import { failOrder } from './fail-order.ts';
import { keyOf } from './key-of.ts';
import type { Ownership } from './ownership.ts';
import type { World } from './world.ts';

const lookEveryMs = limits.agentBeatMs;
/** At most so many of a queue at a time. */
const someMax = 1_000;
const takingMs = 2_000;

export const takeBackOrders = (world: World, deserted: Deserted, ownership: Ownership): Running => {
  const { bus, names, clock, log } = world;
  let working: Promise<void> | null = null;
  let stopped = false;

  const say = async ({ subject }: Message): Promise<void> => {
    const said = parseOrderSubject(names, subject);
    const partition = said === null ? undefined : ownership.of(partitionOf(said.task, world.partitions));
    const state = said === null ? null : ((await partition?.read(said.task)) ?? null);
    if (said === null || state === null || !hearsOfUnserved(state) || !runsNow(state, said.step, said.attempt)) return;
    log.warn(said, nobodyServes(said.queue).message);
    await failOrder(world, { ...said, key: await keyOf(world, said.task) }, nobodyServes(said.queue));
  };

  const isSaid = async ({ data }: Message): Promise<boolean> => {
    const { report_to: subject } = decodeTrusted(data) as Order;
    return (await bus.log(names.streams.events).last(subject)) !== null;
  };

  const sweep = async (queue: string): Promise<void> => {
    const info = await bus.queueInfo(queue);
    if (info === null || info.pending === 0) return;
    const lying = await someAfter(queue, info.delivered);
    for (const order of lying) if (!stopped) await say(order);
    // What somebody held who died comes first, and is not ours to take.
    if (ownership.of(0) === undefined || info.unacknowledged > 0) return;
    for (const order of lying) if (stopped || !(await isSaid(order))) return;
    if (deserted.has(queue)) await take(queue, new Set(lying.map(({ seq }) => seq)));
  };

  const someAfter = async (queue: string, after: number): Promise<Message[]> => {
    const found: Message[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const reading = await bus.log(names.streams.orders).read({
      subjects: [names.orders(queue)],
      after,
      on: (message) => void (found.push(message) >= someMax && resolve()),
      onIdle: resolve,
    });
    await promise;
    await reading.stop();
    return found.slice(0, someMax);
  };

  /** As an agent would that has nothing to do for them. */
  const take = async (queue: string, done: ReadonlySet<number>): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const left = new Set(done);
    const taking = await bus.takeOrders(queue, done.size, (order) => {
      left.delete(order.seq);
      if (done.has(order.seq)) order.letGo();
      else order.later(takingMs);
      if (left.size === 0) resolve();
    });
    const over = clock.later(takingMs, resolve);
    await promise;
    over();
    await taking.stop();
    log.info({ queue, taken: done.size - left.size }, 'orders of a queue that nobody serves were taken out of it');
  };

  const round = async (): Promise<void> => {
    for (const queue of await deserted.look()) if (!stopped) await sweep(queue);
  };
  const stopping = clock.every(lookEveryMs, () => {
    working ??= round()
      .catch((error: unknown) => log.warn({ err: error }, 'queues that nobody serves could not be looked at just now'))
      .finally(() => (working = null));
  });
  return {
    // What it says has a name: whoever looks next says it again.
    stop: async () => {
      stopped = true;
      stopping();
    },
  };
};
