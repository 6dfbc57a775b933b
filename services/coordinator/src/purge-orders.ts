// Orders that are done and that nobody will say again go: each takes memory on the server. One coordinator looks, the owner of the first partition;
// two of them would only do it twice.
import { type LogInfo, textOf } from '@capstan/bus';
import type { Checkpoint } from './checkpoint.ts';
import { checkpointKey } from './checkpoint.ts';
import type { World } from './world.ts';

/**
 * By queue, up to what is acknowledged there and what every partition's checkpoint has passed. A queue without a consumer keeps all: nobody knows
 * what of it is done. Resolves with how many went.
 */
export const purgeOrders = async (
  world: World,
  { first, messages }: Pick<LogInfo, 'first' | 'messages'>,
): Promise<number> => {
  const { bus, names } = world;
  const orders = bus.log(names.streams.orders);
  if (messages === 0) return 0;
  const safe = await passedByAll(world);
  if (safe < first) return 0;
  let gone = 0;
  for (const queue of await bus.queues()) {
    const floor = (await bus.queueInfo(queue))?.floor ?? 0;
    const upTo = Math.min(floor, safe);
    if (upTo >= first) gone += await orders.forget({ subject: names.orders(queue), before: upTo + 1 });
  }
  if (gone > 0) world.log.info({ gone, upTo: safe }, 'orders that are done were purged');
  return gone;
};

/** The least that any checkpoint says; 0 where one of them is not stored yet, since its partition may decide anything anew. */
const passedByAll = async (world: World): Promise<number> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const all = await Promise.all(
    Array.from({ length: world.partitions }, async (_, partition) => {
      const entry = await store.get(checkpointKey(partition));
      return entry === null || entry.gone ? 0 : ((JSON.parse(textOf(entry.data)) as Checkpoint).orders ?? 0);
    }),
  );
  return Math.min(...all);
};
