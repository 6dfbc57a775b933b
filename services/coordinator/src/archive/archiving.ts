// Moves tasks of one partition that ended long ago from the bucket to the archive. The object is put first; then, all or nothing, their keys go, the
// directory names them, and the checkpoint says that its owner did it. The head says before that what is about to be put: whoever dies in between
// leaves an object that its successor finds there and removes.
import { archiveLine, archiveObject, archivePage, type Change, sha256, textOf } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import type { Arrivals } from '../arrivals.ts';
import type { Progress } from '../checkpoint.ts';
import type { Listed } from '../lists/listed.ts';
import type { World } from '../world.ts';
import { gather, type Gathered } from './gather.ts';
import { type ArchiveHead, headChange, headOf } from './head.ts';
import { newLogHolder } from './log-holder.ts';
import { removeStrays } from './strays.ts';
import { sweep } from './sweep.ts';

export interface ArchivingParts {
  readonly world: World;
  readonly number: number;
  readonly progress: Progress;
  readonly arrivals: Arrivals;
  readonly stopped: () => boolean;
  /** It is in memory, or stands still. */
  readonly isNeeded: (task: string) => boolean;
}

const endedStatuses = new Set(['succeeded', 'failed', 'cancelled']);
const hasEnded = (group: string): boolean => endedStatuses.has(group.slice(group.indexOf(' ') + 1));
/** By then what was said is stored, unless nobody here may decide on it. */
const laterMs = 10_000;
/** Of one atomic batch the server takes 1,000; the directory, the head and the checkpoint go along. */
const keysMax = 950;

/** Resolves with how many tasks were archived. */
export const newArchiving = (parts: ArchivingParts): (() => Promise<number>) => {
  const { world, number, progress, arrivals, stopped, isNeeded } = parts;
  const { bus, names, keeping } = world;
  const store = bus.store(names.buckets.tasks);

  /** They are to go, and could not be taken. Tried again from then on; by the next owner only, where somebody has to look. */
  const stuck = new Map<string, number>();
  /** Nobody else adds to the archive of a partition while it is owned here. */
  let isSwept = false;

  const sayWhoHoldsTheLog = newLogHolder(world, number, progress);

  const due = async (): Promise<readonly Listed[]> => {
    const { tasks } = progress.lists;
    const now = world.clock.now();
    for (const [id, until] of stuck) if (until <= now) stuck.delete(id);
    const most = limits.archiveBatchTasks + stuck.size;
    const old = await tasks.endedBefore(now - keeping.tasksMs, most);
    const tooMany = tasks.count(hasEnded) - Math.ceil(keeping.tasksMax / world.partitions);
    const some = old.length > 0 || tooMany <= 0 ? old : await tasks.endedBefore(now, Math.min(most, tooMany));
    return some.filter(({ id }) => !isNeeded(id) && !stuck.has(id));
  };

  /** What is heard of them meanwhile waits, so that nobody begins to change what is being taken away. */
  const held = async <T>(some: readonly Listed[], work: () => Promise<T>): Promise<T> => {
    let done: () => void = () => {};
    const over = new Promise<void>((resolve) => (done = resolve));
    for (const { id } of some) arrivals.keepBack(id, () => over);
    try {
      return await work();
    } finally {
      done();
    }
  };

  const batch = async (): Promise<{ readonly archived: number; readonly isMore: boolean }> => {
    // Meanwhile one of them may have been wanted.
    const some = (await due()).filter(({ id }) => !isNeeded(id));
    if (some.length === 0 || stopped()) return { archived: 0, isMore: false };
    return held(some, async () => {
      const first = Math.min(...some.map((one) => one.first));
      const ids = some.map(({ id }) => id);
      const { found, gone, later, staying } = await gather(world, number, ids, first);
      // Archived already, by whoever died before it could be listed.
      for (const one of some) if (gone.includes(one.id)) progress.lists.tasks.remove(one);
      for (const id of staying) stuck.set(id, Infinity);
      for (const id of later) stuck.set(id, world.clock.now() + laterMs);
      const chosen = fitting(found);
      if (chosen.length === 0) return { archived: 0, isMore: false };
      const isDone = await commit(chosen);
      if (!isDone) return { archived: 0, isMore: false };
      const done = new Set(chosen.map(({ task }) => task.task_id));
      for (const one of some) if (done.has(one.id)) progress.lists.tasks.remove(one);
      return { archived: chosen.length, isMore: true };
    });
  };

  const commit = async (chosen: readonly Gathered[]): Promise<boolean> => {
    const data = Buffer.from(chosen.map(({ task }) => archiveLine(task)).join(''));
    // Nobody else ever writes under this name, not even the same.
    const name = sha256(Buffer.concat([Buffer.from(`${world.newId()}\n`), data])).slice(0, 32);
    const before = await headOf(world, number);
    const writing = [...before.head.writing, { name, at: world.clock.now() }];
    const announced = await save(before, { ...before.head, writing });
    if (announced === null) return false;
    isSwept = false;
    await bus.objects(names.buckets.artifacts).put(archiveObject(number, name), data);
    const ids = chosen.map(({ task }) => task.task_id);
    const pages = await Promise.all(
      [...new Set(ids.map(archivePage))].map(async (page) => {
        const key = names.archived(number, page);
        const entry = await store.get(key);
        const known = entry === null || entry.gone ? {} : (JSON.parse(textOf(entry.data)) as Record<string, string>);
        for (const id of ids) if (archivePage(id) === page) known[id] = name;
        return { key, data: JSON.stringify(known), expect: entry?.revision ?? 0 };
      }),
    );
    const ended = Math.max(...chosen.map((one) => one.ended));
    const batch = { name, tasks: ids.length, bytes: data.length, ended, swept: 0 as const };
    const head = { batches: [...before.head.batches, batch], writing: before.head.writing };
    return (await save(announced, head, [...chosen.flatMap(({ removals }) => removals), ...pages])) !== null;
  };

  /** Null where nobody may, or somebody else did. */
  const save = async (
    { revision }: ArchiveHead,
    head: ArchiveHead['head'],
    changes: readonly Change[] = [],
  ): Promise<ArchiveHead | null> => {
    if (stopped() || !world.membership.isFresh()) return null;
    const revisions = await progress.saveWith([...changes, headChange(world, number, { head, revision })]);
    return revisions === null ? null : { head, revision: revisions.at(-1) as number };
  };

  return async () => {
    // What goes along with it is not there yet.
    if (progress.checkpoint === null) return 0;
    let archived = 0;
    for (let left = limits.archiveBatchesMax; left > 0 && !stopped(); left -= 1) {
      const done = await batch();
      archived += done.archived;
      if (!done.isMore) break;
    }
    if (archived > 0) world.log.info({ partition: number, tasks: archived }, 'tasks that ended long ago were archived');
    if (!stopped() && (archived > 0 || !isSwept)) {
      const left = await sweep(world, number, progress);
      const strays = stopped() ? 1 : await removeStrays(world, number, save);
      isSwept = left + strays === 0;
    }
    if (!stopped()) await sayWhoHoldsTheLog();
    return archived;
  };
};

/** As many as go together. */
const fitting = (found: readonly Gathered[]): Gathered[] => {
  const chosen: Gathered[] = [];
  let keys = 0;
  let bytes = 0;
  for (const one of found) {
    const size = one.task.events.reduce((sum, { text, base64 }) => sum + (text ?? base64 ?? '').length, 0);
    const isFull = keys + one.removals.length > keysMax || bytes + size > limits.archiveBatchBytes;
    if (chosen.length > 0 && isFull) break;
    chosen.push(one);
    keys += one.removals.length;
    bytes += size;
  }
  return chosen;
};
