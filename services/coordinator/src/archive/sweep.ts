// What goes with archived tasks: at once what they asked people, later their artifacts, at last the archive itself. Each can be done again, so it is
// done first and said after; the lists are stored along with that.
import { type ArchivedTask, archiveLines, archiveObject, archivePages, type Change, textOf } from '@capstan/bus';
import type { Progress } from '../checkpoint.ts';
import type { World } from '../world.ts';
import { type Batch, headChange, headOf } from './head.ts';

/** In one look: each reads an object. */
const batchesMax = 5;
/** So many keys are removed at a time. */
const atOnce = 100;

/** Resolves with how many batches there may still be something to sweep of. */
export const sweep = async (world: World, partition: number, progress: Progress): Promise<number> => {
  const { bus, names, keeping } = world;
  const { head, revision } = await headOf(world, partition);
  const now = world.clock.now();
  const next = (batch: Batch): 'asked' | 'artifacts' | 'all' | null => {
    if (batch.swept === 0) return 'asked';
    if (batch.swept === 1 && batch.ended + keeping.artifactsMs < now) return 'artifacts';
    return batch.swept === 2 && batch.ended + keeping.archiveMs < now ? 'all' : null;
  };
  const some = head.batches.filter((batch) => next(batch) !== null).slice(0, batchesMax);
  if (some.length === 0) return head.batches.length;
  const changes: Change[] = [];
  const batches: Batch[] = [];
  const over = new Set<string>();
  for (const batch of head.batches) {
    const what = some.includes(batch) ? next(batch) : null;
    if (what === 'asked') {
      const tasks = await tasksIn(world, partition, batch);
      await forgetAsked(world, tasks);
      unlist(progress, tasks);
    }
    if (what === 'artifacts') await forgetArtifacts(world, await tasksIn(world, partition, batch));
    if (what === 'all') {
      await bus.objects(names.buckets.artifacts).remove(archiveObject(partition, batch.name));
      over.add(batch.name);
    } else batches.push(what === null ? batch : { ...batch, swept: what === 'asked' ? 1 : 2 });
  }
  if (over.size > 0) changes.push(...(await withoutBatches(world, partition, over)));
  changes.push(headChange(world, partition, { head: { ...head, batches }, revision }));
  // Where another batch has come it is looked at again.
  await progress.saveWith(changes);
  return head.batches.length;
};

/** Whoever archived them may have died before the lists were stored. */
const unlist = ({ lists }: Progress, tasks: readonly ArchivedTask[]): void => {
  for (const { task_id: id, head, asked } of tasks) {
    lists.tasks.remove({ id, created: Date.parse(head.created_at) });
    for (const one of asked as { id: string; created_at: string }[])
      lists.asked.remove({ id: one.id, created: Date.parse(one.created_at) });
  }
};

const tasksIn = async (world: World, partition: number, { name }: Batch): Promise<ArchivedTask[]> => {
  const data = await world.bus.objects(world.names.buckets.artifacts).get(archiveObject(partition, name));
  return data === null ? [] : archiveLines(data);
};

const forgetAsked = async (world: World, tasks: readonly ArchivedTask[]): Promise<void> => {
  const inbox = world.bus.store(world.names.buckets.inbox);
  const ids = tasks.flatMap(({ asked }) => (asked as { id: string }[]).map(({ id }) => id));
  for (let at = 0; at < ids.length; at += atOnce)
    await Promise.all(ids.slice(at, at + atOnce).map((id) => inbox.remove(id)));
};

/** Everything under the task's own name that anything ever said of it refers to. */
const forgetArtifacts = async (world: World, tasks: readonly ArchivedTask[]): Promise<void> => {
  const { artifacts } = world.names.buckets;
  const objects = world.bus.objects(artifacts);
  for (const task of tasks) {
    const own = `${artifacts}/${task.task_id}/`;
    const names = new Set([`${task.task_id}/_whole.json`]);
    const text = JSON.stringify([task.head, task.pages, task.events.map((event) => event.text ?? '')]);
    for (let at = text.indexOf(own); at >= 0; at = text.indexOf(own, at + 1)) {
      const end = text.slice(at).search(/["\\]/);
      names.add(text.slice(at + artifacts.length + 1, at + end));
    }
    for (const name of names) await objects.remove(name);
  }
};

const withoutBatches = async (world: World, partition: number, over: ReadonlySet<string>): Promise<Change[]> => {
  const { bus, names } = world;
  const changes: Change[] = [];
  for (let page = 0; page < archivePages; page += 1) {
    const key = names.archived(partition, page);
    const entry = await bus.store(names.buckets.tasks).get(key);
    if (entry === null || entry.gone) continue;
    const known = Object.entries(JSON.parse(textOf(entry.data)) as Record<string, string>);
    const left = known.filter(([, batch]) => !over.has(batch));
    if (left.length === known.length) continue;
    changes.push({ key, data: JSON.stringify(Object.fromEntries(left)), expect: entry.revision });
  }
  return changes;
};
