// What has to be done now and then for the whole installation: marks of how far orders are said, and purging what nobody needs any more.
import type { Running } from '@capstan/bus';
import { newEventPurge } from './archive/purge-events.ts';
import type { Ownership } from './ownership.ts';
import { purgeOrders } from './purge-orders.ts';
import type { World } from './world.ts';

export const keepHouse = (world: World, ownership: Ownership): Running => {
  const { clock, keeping } = world;
  if (!Number.isFinite(keeping.orderNameMs)) return { stop: async () => {} };
  let stopped = false;
  const purgeEvents = newEventPurge(world);
  let working: Promise<void> | null = null;
  const round = async (): Promise<void> => {
    // Asked first: whatever is stored below its answer was decided on what has been heard by now.
    const orders = await world.bus.log(world.names.streams.orders).info();
    for (const partition of ownership.all()) {
      // Until then its predecessor may have decided further than it has read, and ordered what it does not know of yet.
      const position = ownership.position(partition.number);
      if (position !== null) partition.passed(position, orders.last);
    }
    if (ownership.of(0) !== undefined) {
      await purgeOrders(world, orders);
      await purgeEvents();
    }
    // One after the other, and only where the log was read to its end: what its predecessor decided last must be known.
    for (const partition of ownership.all())
      if (!stopped && ownership.position(partition.number) !== null) await partition.archive();
  };
  const stopping = clock.every(keeping.purgeEveryMs, () => {
    working ??= round()
      .catch((error: unknown) => world.log.warn({ err: error }, 'nothing could be purged just now'))
      .finally(() => (working = null));
  });
  return {
    stop: async () => {
      stopped = true;
      stopping();
      await working;
    },
  };
};
