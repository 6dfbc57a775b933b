// What is known of tasks that are to be archived: their snapshots as they are stored, every event of theirs, and what they asked people.
import { type ArchivedTask, archivedEvent, type Change, type Entry, textOf } from '@capstan/bus';
import { type Intervention, type Json, limits, type TaskRecord } from '@capstan/contracts';
import { taskEnded } from '@capstan/engine';
import { type Heard, hear, isGenuine, submittedFrom } from '../hear.ts';
import { interventionIn } from '../interventions.ts';
import { readNow } from '../read-now.ts';
import type { World } from '../world.ts';

export interface Gathered {
  readonly task: ArchivedTask;
  /** Takes its keys out of the bucket, each at the revision that was read. */
  readonly removals: readonly Change[];
  readonly ended: number;
}

/**
 * `found` are to go; `gone` are in the bucket no more; to those that stay for `later` something was said that their snapshots do not have yet, and
 * `staying` can't be taken as they are. Of the others nobody has looked: all together would be too much to hold.
 */
export const gather = async (
  world: World,
  partition: number,
  ids: readonly string[],
  first: number,
): Promise<Record<'gone' | 'later' | 'staying', readonly string[]> & { readonly found: readonly Gathered[] }> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const heads = await Promise.all(ids.map((id) => store.get(id)));
  const gone = ids.filter((_, at) => heads[at] === null || heads[at]?.gone === true);
  const chosen = fewEnough(heads.filter((head): head is Entry => head !== null && !head.gone));
  const said = await eventsOfAll(
    world,
    partition,
    chosen.map(({ key }) => key),
    first,
  );
  const all = await Promise.all(chosen.map((head) => one(world, head.key, head, said.get(head.key) ?? [])));
  const those = (which: 'later' | 'staying') => chosen.map(({ key }) => key).filter((_, at) => all[at] === which);
  const found = all.filter((task) => typeof task === 'object');
  return { found, gone, later: those('later'), staying: those('staying') };
};

/** By the number of their steps, each of which has some events; the first in any case. */
const fewEnough = (heads: readonly Entry[]): Entry[] => {
  let steps = 0;
  return heads.filter((head, at) => {
    const counts = Object.values(headIn(head)?.counts ?? {});
    steps += 1 + counts.reduce((sum, count) => sum + count, 0);
    return at === 0 || steps <= limits.archiveBatchSteps;
  });
};

const one = async (
  world: World,
  id: string,
  entry: Entry,
  said: readonly Heard[],
): Promise<Gathered | 'later' | 'staying'> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const head = headIn(entry);
  if (head === null || !taskEnded(head.status) || head.engine.errands > 0) return 'staying';
  const keys = head.steps_in ?? [];
  const pages = await Promise.all(keys.map((key) => store.get(key)));
  if (pages.some((page) => page === null || page.gone)) return 'staying';
  const began = said.find((heard) => heard.kind === 'submitted' && submittedFrom(world, heard) !== null);
  const key = began === undefined ? undefined : submittedFrom(world, began)?.key;
  // Where the log lost all of it, to a power cut say, its snapshot is all that there is.
  if (key === undefined && said.length > 0) return 'staying';
  // A retry, say, that was stored a moment ago: it comes before this. Or a report that comes too late and changes nothing.
  if (said.some((heard) => heard.message.seq > head.seq && isGenuine(world, heard, key ?? ''))) return 'later';
  const inbox = world.bus.store(world.names.buckets.inbox);
  const asked = await Promise.all(head.interventions.map(async (ask) => interventionIn(await inbox.get(ask))));
  const task: ArchivedTask = {
    v: 1,
    task_id: id,
    archived_at: new Date(world.clock.now()).toISOString(),
    head,
    pages: pages.map((page) => JSON.parse(textOf((page as Entry).data)) as Record<string, Json>),
    events: said.map(({ message }) => archivedEvent(message)),
    asked: asked.filter((item): item is Intervention => item !== null) as unknown as Json[],
  };
  const removals = [entry, ...(pages as Entry[])].map(
    ({ key: name, revision }): Change => ({ key: name, data: '', expect: revision, gone: true }),
  );
  return { task, removals, ended: Date.parse(head.finished_at ?? head.updated_at) };
};

const headIn = ({ key, data }: Entry): (TaskRecord & { engine: { errands: number } }) | null => {
  try {
    const head = JSON.parse(textOf(data)) as TaskRecord & { engine: { errands: number } };
    return head.task_id === key && Array.isArray(head.interventions) ? head : null;
  } catch {
    return null;
  }
};

/** One look at the log for all of them. */
const eventsOfAll = async (
  world: World,
  partition: number,
  ids: readonly string[],
  first: number,
): Promise<Map<string, Heard[]>> => {
  const said = new Map<string, Heard[]>();
  if (ids.length === 0) return said;
  const subjects = ids.map((id) => world.names.eventsOfTask(partition, id));
  await readNow(world, { subjects, after: Math.max(0, first - 1) }, (message) => {
    const heard = hear(world, message);
    if (heard === null) return;
    const before = said.get(heard.task);
    if (before === undefined) said.set(heard.task, [heard]);
    else before.push(heard);
  });
  return said;
};
