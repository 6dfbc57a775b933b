// Events that no kept task needs go, up to the oldest that one still does. A partition keeps what its checkpoint has not passed, the first event of
// each task on its list, and of each that stands still.
import { actorKindOf } from '@capstan/contracts';
import { listQuarantines } from '../quarantine.ts';
import { type StoredMark, storedMark } from '../checkpoint.ts';
import { submissionOf } from '../submission-of.ts';
import type { World } from '../world.ts';

interface Sample {
  readonly floor: number;
  readonly at: number;
}

/** Called now and then by whoever owns the first partition. What is found to be of no use goes at a later call, once every door knows what is archived. */
export const newEventPurge = (world: World): (() => Promise<number>) => {
  const log = world.bus.log(world.names.streams.events);
  const samples: Sample[] = [];
  let marks: readonly (StoredMark | null)[] = [];
  let purged = 0;
  let isSaid = false;
  /** Who looks only into the log for an id that is taken has as long to learn that this is not enough any more. */
  const say = async (): Promise<void> => {
    if (isSaid) return;
    const store = world.bus.store(world.names.buckets.tasks);
    const key = world.names.forgetting;
    if ((await store.get(key)) === null) await store.set({ key, data: JSON.stringify({ v: 1 }), expect: null });
    isSaid = true;
  };
  return async () => {
    const now = world.clock.now();
    marks = await Promise.all(
      Array.from({ length: world.partitions }, (_, partition) => storedMark(world, partition, marks[partition])),
    );
    const known = samples.at(-1)?.floor ?? purged;
    const floor = await floorOf(world, marks, known);
    if (floor > known) {
      await say();
      samples.push({ floor, at: world.clock.now() });
    }
    let upTo = 0;
    while (samples[0] !== undefined && samples[0].at <= now - world.keeping.orderNameMs)
      upTo = samples.shift()?.floor ?? 0;
    if (upTo <= purged) return 0;
    const { first } = await log.info();
    const gone = upTo > first ? await log.forget({ before: upTo }) : 0;
    purged = upTo;
    if (gone > 0) world.log.info({ gone, upTo: upTo - 1 }, 'events that no kept task needs were purged');
    return gone;
  };
};

/** The first event that is needed; 0 where nobody can tell. */
const floorOf = async (world: World, marks: readonly (StoredMark | null)[], known: number): Promise<number> => {
  let floor = Infinity;
  for (const one of marks) floor = Math.min(floor, one?.mark ?? 0);
  if (floor <= known) return floor;
  const still = await Promise.all(
    (await listQuarantines(world)).map(
      // No submission began what is no task; it is in memory, and needs only what was said since it stands still.
      async ({ task_id, seq }) =>
        (actorKindOf(task_id) === null ? (await submissionOf(world, task_id))?.heard.message.seq : seq) ?? 0,
    ),
  );
  return Math.min(floor, ...still);
};
