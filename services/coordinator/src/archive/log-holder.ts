// Says which task keeps the log from being purged: one that has been open for longer than others are kept at all. Everything that anybody said since
// it began stays as long as it does.
import { limits } from '@capstan/contracts';
import type { Progress } from '../checkpoint.ts';
import type { World } from '../world.ts';

/** Called at every look; looks now and then. */
export const newLogHolder = (world: World, partition: number, { lists }: Progress): (() => Promise<void>) => {
  let saidAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = world.clock.now();
    if (now - saidAt < limits.logHolderEveryMs) return;
    saidAt = now;
    const oldest = await lists.tasks.oldest();
    const keptMs = Math.max(world.keeping.tasksMs, limits.logHolderMs);
    if (oldest === null || oldest.ended > 0 || oldest.created > now - keptMs) return;
    world.log.warn(
      { partition, task: oldest.id, since: new Date(oldest.created).toISOString(), event: oldest.first },
      `the log is kept from event ${oldest.first} on for task ${oldest.id}, which has not ended: capstan why ${oldest.id} says what it waits for`,
    );
  };
};
