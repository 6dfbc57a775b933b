// Snapshots: written only once every durable effect up to their sequence is stored, and only over the revision that was read.
import { type Change, isBusError, textOf } from '@capstan/bus';
import type { Effect, TaskRecord } from '@capstan/contracts';
import {
  isPagedOut,
  owedOrders,
  pageOf,
  recordOf,
  restore,
  standing,
  type StepRecords,
  type TaskState,
} from '@capstan/engine';
import { type Actor, newActor } from './actor.ts';
import { newerRules } from './ahead.ts';
import { Overtaken } from './overtaken.ts';
import type { References } from './references.ts';
import { askedInAnyTerm } from './say.ts';
import { submissionOf } from './submission-of.ts';
import type { World } from './world.ts';

/** The server takes no message as large as this: waiting won't help. */
export class SnapshotTooLarge extends Error {
  override readonly name = 'SnapshotTooLarge';
  readonly data: string;
  constructor({ key, data }: { readonly key: string; readonly data: string }, options: ErrorOptions) {
    super(`its snapshot ${key} has ${Buffer.byteLength(data)} bytes, more than the server takes`, options);
    this.data = data;
  }
}

export const pageKey = (task: string, page: number): string => `${task}.steps.${page}`;

/** What follows from no event: whether orders wait at the turnstile of whoever wrote it. */
interface View {
  readonly owed?: boolean;
}

/** Writes what changed since the last snapshot: the changed pages and the head, all or nothing. */
export const writeSnapshot = async (world: World, actor: Actor): Promise<void> => {
  const { state } = actor;
  const store = world.bus.store(world.names.buckets.tasks);
  const pages = changedPages(actor, state);
  const head: Change = {
    key: actor.id,
    data: JSON.stringify({
      ...recordOf(state, { whole: false, pageKey: (page) => pageKey(actor.id, page) }),
      ...(actor.held > 0 ? { view: { owed: true } satisfies View } : {}),
    }),
    expect: actor.revision,
    // It may have ended and be archived since this process saw it begin.
    neverThere: true,
  };
  const changes: Change[] = pages.map((page) => ({
    key: pageKey(actor.id, page),
    data: JSON.stringify(pageOf(state, page)),
    expect: actor.pageRevisions.get(page) ?? 0,
  }));
  changes.push(head);
  // Never more than the server takes as one: limits.planStepsMax is that many pages at most.
  const revisions = await write(world, store, changes).catch(async (error: unknown) => {
    const forgotten = error instanceof Overtaken && actor.revision === 0 ? await markLeft(world, actor.id) : 0;
    if (forgotten === 0) throw error;
    // Of a task that had this id before nothing is kept but the mark that it was removed.
    return write(world, store, [...changes.slice(0, -1), { ...head, expect: forgotten }]);
  });
  pages.forEach((page, at) => void actor.pageRevisions.set(page, revisions[at] as number));
  actor.revision = revisions[revisions.length - 1] as number;
  actor.stored = state;
  world.counts.snapshots += 1;
};

/** The revision at which a key was removed whose task the archive has forgotten; 0 where it is there, or archived. */
const markLeft = async (world: World, task: string): Promise<number> => {
  const entry = await world.bus.store(world.names.buckets.tasks).get(task);
  return entry?.gone === true && !(await world.archive.holds(task, 0)) ? entry.revision : 0;
};

const changedPages = (actor: Actor, state: TaskState): number[] =>
  isPagedOut(state)
    ? state.steps.pages.flatMap((page, at) => (actor.stored?.steps.pages[at] === page ? [] : [at]))
    : [];

const write = async (
  world: World,
  store: ReturnType<World['bus']['store']>,
  changes: readonly Change[],
): Promise<number[]> => {
  try {
    return changes.length === 1 ? [await store.set(changes[0] as Change)] : await store.setAll(changes);
  } catch (error) {
    if (isBusError(error, 'too_large')) throw new SnapshotTooLarge(largest(changes), { cause: error });
    if (!isBusError(error, 'conflict')) throw error;
    // Perhaps our own write, whose answer was lost: then all is there, word for word.
    const entries = await Promise.all(changes.map((change) => store.get(change.key)));
    const isOurs = entries.every((entry, at) => entry !== null && textOf(entry.data) === changes[at]?.data);
    if (!isOurs) throw new Overtaken(`somebody else wrote ${changes[changes.length - 1]?.key}`, { cause: error });
    world.log.info({ key: changes[changes.length - 1]?.key }, 'the snapshot was stored already');
    return entries.map((entry) => entry?.revision ?? 0);
  }
};

const largest = (changes: readonly Change[]): { key: string; data: string } =>
  changes
    .map(({ key, data }) => ({ key, data: data as string }))
    .reduce((most, one) => (one.data.length > most.data.length ? one : most));

export interface Loaded {
  readonly actor: Actor;
  /** Orders that were decided may not have left. */
  readonly owes: boolean;
}

/** A task from its snapshot and the event that began it; null where there is no such task. */
export const loadActor = (world: World, references: References, task: string): Promise<Loaded | null> =>
  askedInAnyTerm(world, () => load(world, references, task));

const load = async (world: World, references: References, task: string): Promise<Loaded | null> => {
  const store = world.bus.store(world.names.buckets.tasks);
  world.counts.loads += 1;
  for (;;) {
    const head = await store.get(task);
    if (head === null || head.gone) return null;
    const began = await submissionOf(world, task);
    // Somebody else put it there: no task is known but by its submission.
    if (began === null) return null;
    if (began.body.rules > world.rules) throw newerRules(world, task, began.body.rules);
    const record = JSON.parse(textOf(head.data)) as TaskRecord;
    const entries = await Promise.all((record.steps_in ?? []).map((key) => store.get(key)));
    // Head and pages are written together but read one by one: the same head before and after means that nothing moved in between.
    if (entries.length > 0 && (await store.get(task))?.revision !== head.revision) continue;
    const pages = entries.map((entry, at) => {
      if (entry === null) throw new Error(`page ${at} of task ${task} is not stored`);
      return JSON.parse(textOf(entry.data)) as StepRecords;
    });
    const event = await references.resolve(began.heard, began.body);
    const actor = newActor(task, { body: began.body, first: began.heard.message.seq }, restore(record, pages, event));
    actor.revision = head.revision;
    actor.stored = actor.state;
    entries.forEach((entry, at) => void actor.pageRevisions.set(at, entry?.revision ?? 0));
    return { actor, owes: (record['view'] as View | undefined)?.owed === true };
  }
};

/** What it still wants of the world although no event says so just now. */
export const standsOf = ({ actor, owes }: Loaded): Effect[] =>
  owes ? [...standing(actor.state), ...owedOrders(actor.state)] : standing(actor.state);
