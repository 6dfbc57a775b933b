// The tasks of a partition, and its other actors, that stand still because Capstan can't go on with them. Kept in the bucket of tasks, so that the next owner leaves
// them alone too: deciding past an event that was never applied would make a state that no log explains.
import { bury, decodeTrusted, partitionOf, textOf } from '@capstan/bus';
import { actorKindOf, type Quarantine } from '@capstan/contracts';
import { corpseOf } from './doors/corpse.ts';
import type { Heard } from './hear.ts';
import { untilStored } from './say.ts';
import { SnapshotTooLarge } from './snapshots.ts';
import type { World } from './world.ts';

export interface Release {
  readonly skip: boolean;
  readonly by: string;
}

export interface Quarantines {
  /** What stands still; null for a task that goes on. */
  of(task: string): Quarantine | null;
  /** Whether an event is not to be decided on: its task stands still, or it was left out for good. */
  stops(heard: Heard): boolean;
  /** Resolves once it is stored, with its dead letter. */
  put(task: string, heard: Heard | null, error: unknown): Promise<void>;
  /** Lets a task go on; resolves once that is stored. */
  release(task: string, release: Release): Promise<void>;
  /** Lets it go on, and stores that only once what was said meanwhile is applied and stored: before, a crash leaves it as it was. */
  lift(task: string, release: Release): { readonly keep: () => Promise<void> };
}

export const openQuarantines = async (world: World, partition: number): Promise<Quarantines> => {
  const { bus, names } = world;
  const store = bus.store(names.buckets.tasks);
  const keyOf = (task: string) => names.quarantine(partition, task);
  const records = new Map<string, Quarantine>();
  const keys = await store.keys(names.quarantine(partition, '*'));
  for (const entry of await Promise.all(keys.map((key) => store.get(key)))) {
    if (entry === null || entry.gone) continue;
    const record = decodeTrusted(entry.data) as Quarantine;
    records.set(record.task_id, record);
  }
  const save = async (record: Quarantine): Promise<void> => {
    // Only what is still to be known of it is kept.
    const isOver = record.released_at !== null && record.skipped.length === 0;
    const key = keyOf(record.task_id);
    await untilStored<unknown>(
      world,
      (): Promise<unknown> =>
        isOver ? store.remove(key) : store.set({ key, data: JSON.stringify(record), expect: null }),
    );
    if (isOver) records.delete(record.task_id);
    else records.set(record.task_id, record);
  };
  const held = (task: string): Quarantine | null => {
    const record = records.get(task);
    return record === undefined || record.released_at !== null ? null : record;
  };
  const released = (task: string, { skip, by }: Release): Quarantine | null => {
    const record = held(task);
    if (record === null) return null;
    const skipped = skip && record.seq !== null ? [...record.skipped, record.seq] : record.skipped;
    world.log.info({ task, skipped, by }, 'the task is released from quarantine');
    return { ...record, skipped, released_at: new Date(world.clock.now()).toISOString(), released_by: by };
  };

  return {
    of: held,
    stops: ({ task, message }) => {
      if (records.size === 0) return false;
      const record = records.get(task);
      return record !== undefined && (record.released_at === null || record.skipped.includes(message.seq));
    },
    put: async (task, heard, error) => {
      world.counts.quarantined += 1;
      const seq = heard?.message.seq ?? null;
      const words = brief(error);
      world.log.error(
        { err: error, task, seq },
        `the task is quarantined: ${error instanceof SnapshotTooLarge ? 'it is too large to be stored' : heard === null ? 'what is stored of it can not be read' : 'this event can not be decided on'}; capstan quarantine ls`,
      );
      const letter = await untilStored(world, async () => buryWhat(world, task, heard, error));
      await save({
        v: 1,
        task_id: task,
        why: heard === null ? 'snapshot' : 'event',
        seq,
        error: words,
        since: new Date(world.clock.now()).toISOString(),
        dead_letter: letter,
        skipped: records.get(task)?.skipped ?? [],
        released_at: null,
        released_by: null,
      });
    },
    release: async (task, release) => {
      const record = released(task, release);
      if (record !== null) await save(record);
    },
    lift: (task, release) => {
      const record = released(task, release);
      if (record !== null) records.set(task, record);
      // Unless it stands still again since.
      return { keep: async () => void (record !== null && records.get(task) === record && (await save(record))) };
    },
  };
};

/** Puts aside the bytes that can't be gone on with: the event, or the snapshot. Null where there is nothing. */
const buryWhat = async (world: World, task: string, heard: Heard | null, error: unknown): Promise<string | null> => {
  const { bus, names } = world;
  const about = {
    source: 'coordinator',
    reason: 'internal',
    error: brief(error),
    hint: `This is a fault of Capstan, or somebody wrote there: ${actorKindOf(task) === null ? `capstan replay ${task}, then ` : ''}capstan quarantine release ${task}`,
    attempts: 1,
    task,
    at: world.clock.now(),
  } as const;
  if (heard !== null) return (await bury(bus, { ...about, message: corpseOf(heard.message, names.streams.events) })).id;
  const subject = `$KV.${names.buckets.tasks}.${task}`;
  if (error instanceof SnapshotTooLarge) {
    const { data } = error;
    return (await bury(bus, { ...about, message: { subject, data }, identity: `${subject} ${data}` })).id;
  }
  const entry = await bus.store(names.buckets.tasks).get(task);
  if (entry === null || entry.gone) return null;
  const { data, revision: seq, at } = entry;
  const stream = `KV_${names.buckets.tasks}`;
  return (await bury(bus, { ...about, message: { subject, data, seq, at, stream } })).id;
};

const brief = (error: unknown): string => String(error instanceof Error ? error.message : error).slice(0, 400);

/** What one of them stands still for, as it is stored, whoever owns it; null where it goes on. */
export const storedQuarantine = async (world: World, id: string): Promise<Quarantine | null> => {
  const { names, partitions } = world;
  const entry = await world.bus.store(names.buckets.tasks).get(names.quarantine(partitionOf(id, partitions), id));
  if (entry === null || entry.gone) return null;
  const record = JSON.parse(textOf(entry.data)) as Quarantine;
  return record.released_at === null ? record : null;
};

/** Every task that stands still just now, of all partitions. */
export const listQuarantines = async (world: World): Promise<Quarantine[]> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const keys = await store.keys(world.names.quarantines);
  const entries = await Promise.all(keys.map((key) => store.get(key)));
  return entries
    .flatMap((entry) => (entry === null || entry.gone ? [] : [JSON.parse(textOf(entry.data)) as Quarantine]))
    .filter((record) => record.released_at === null)
    .toSorted((a, b) => (a.since < b.since ? -1 : 1));
};
