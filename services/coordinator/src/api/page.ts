// Pages of what there are many of: the lists say which are on them, and only those are read.
import { type Intervention, type TaskRecord, timeMs } from '@capstan/contracts';
import { Refusal } from '../doors/refusal.ts';
import { interventionIn } from '../interventions.ts';
import { cursorOf, placeIn } from '../lists/everywhere.ts';
import { groupOf, inOrder, matches, type Place, type Query } from '../lists/listed.ts';
import { type ApiContext, pageOf } from './endpoint.ts';

type Wanted = Pick<Query, 'statuses' | 'tenant' | 'since' | 'alone'>;

interface Paging {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

const limitUsual = 100;

export const sinceIn = ({ since }: { readonly since?: string | undefined }): number | undefined =>
  since === undefined ? undefined : timeMs(since);

/** The newest first. What changed since it was listed, and is not wanted any more, is left out. */
export const taskPage = async (
  context: ApiContext,
  wanted: Wanted,
  { limit = limitUsual, cursor }: Paging,
): Promise<{ tasks: TaskRecord[]; cursor: string | null; total: number }> => {
  const { lists, tasks } = context;
  const behind = await placeOf(cursor, async (id) => (await tasks.shown(id))?.created_at);
  const query: Query = { ...wanted, behind, rising: false, limit };
  const { some, more, total } = await lists.find('tasks', query);
  const records = await Promise.all(some.map(({ id }) => tasks.shown(id)));
  return {
    tasks: records.filter(
      (record): record is TaskRecord =>
        record !== null && matches(query, groupOf(record.tenant, record.status, record.task_id)),
    ),
    cursor: cursorAfter(some, more),
    total,
  };
};

/** The oldest first. */
export const askPage = async (
  { world, lists }: ApiContext,
  wanted: Wanted,
  { limit = limitUsual, cursor }: Paging,
): Promise<{ interventions: Intervention[]; cursor: string | null; total: number }> => {
  const inbox = world.bus.store(world.names.buckets.inbox);
  const read = async (id: string) => interventionIn(await inbox.get(id));
  const behind = await placeOf(cursor, async (id) => (await read(id))?.created_at);
  const query: Query = { ...wanted, behind, rising: true, limit };
  const { some, more, total } = await lists.find('asked', query);
  const items = await Promise.all(some.map(({ id }) => read(id)));
  return {
    interventions: items.filter(
      (item): item is Intervention => item !== null && matches(query, groupOf(item.tenant, item.status, item.id)),
    ),
    cursor: cursorAfter(some, more),
    total,
  };
};

/** Those of one task are named in its record. */
export const asksOfTask = async (
  { world, tasks }: ApiContext,
  task: string,
  wanted: Wanted,
  asked: Paging,
): Promise<{ interventions: Intervention[]; cursor: string | null; total: number }> => {
  const inbox = world.bus.store(world.names.buckets.inbox);
  const ids = (await tasks.read(task))?.interventions ?? [];
  const items = await Promise.all(ids.map(async (id) => interventionIn(await inbox.get(id))));
  const query: Query = { ...wanted, rising: true, limit: asked.limit ?? limitUsual };
  const by = inOrder(true);
  const chosen = items
    .filter((item) => item !== null)
    .map((item) => ({ item, id: item.id, created: timeMs(item.created_at) }))
    .filter(
      ({ item, created }) =>
        matches(query, groupOf(item.tenant, item.status, item.id)) && created >= (wanted.since ?? 0),
    )
    .toSorted(by);
  const page = pageOf(chosen, ({ id }) => id, asked);
  return { interventions: page.items.map(({ item }) => item), cursor: page.cursor, total: chosen.length };
};

const cursorAfter = (some: readonly Place[], more: boolean): string | null => {
  const last = some.at(-1);
  return more && last !== undefined ? cursorOf(last) : null;
};

/** A cursor may also be the id of the last one, as it was once. */
const placeOf = async (
  cursor: string | undefined,
  createdOf: (id: string) => Promise<string | undefined>,
): Promise<Place | undefined> => {
  if (cursor === undefined) return undefined;
  const place = placeIn(cursor);
  if (place !== null) return place;
  const created = await createdOf(cursor).catch(() => undefined);
  if (created !== undefined) return { id: cursor, created: timeMs(created) };
  throw new Refusal('invalid', 'The cursor is not one that a list has given.', {
    fields: [{ path: 'cursor', issue: 'is not one that a list has given' }],
  });
};
