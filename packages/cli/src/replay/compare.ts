// The snapshot beside what the log says the task was at that point: the two must be equal, word for word.
import { type Bus, openArchive, textOf } from '@capstan/bus';
import type { TaskRecord } from '@capstan/contracts';
import { isPagedOut, pageOf, recordOf } from '@capstan/engine';
import type { Entry } from './fold.ts';

export interface Comparison {
  /** The event up to which the snapshot is true; null where there is no snapshot, or it can't be read. */
  readonly seq: number | null;
  /** What differs; empty where nothing does. */
  readonly differences: readonly string[];
  /** Why nothing was compared. */
  readonly skipped: string | null;
}

export const compare = async (
  bus: Bus,
  task: string,
  entries: readonly Entry[],
  until: number,
): Promise<Comparison> => {
  const stored = await snapshotOf(bus, task);
  if (stored === null)
    return {
      seq: null,
      differences: [],
      skipped: 'there is no snapshot; a young task gets its first one within a second',
    };
  if (typeof stored === 'string') return { seq: null, differences: [stored], skipped: null };
  const { seq } = stored.head;
  if (seq > until)
    return { seq, differences: [], skipped: `the snapshot is of event ${seq}, which is later than asked for` };
  const state = entries.findLast((entry) => entry.state?.seq === seq)?.state ?? null;
  if (state === null)
    return {
      seq,
      differences: [`The snapshot is of event ${seq}, which the log does not hold or did not apply.`],
      skipped: null,
    };
  const pageKey = (page: number) => `${task}.steps.${page}`;
  const head: unknown = JSON.parse(JSON.stringify(recordOf(state, { whole: false, pageKey })));
  // Hints of the coordinator that wrote it; no log explains them, and no decision reads them.
  const { view: _, ...written } = stored.head;
  const differences = differencesOf(written, head, '');
  if (isPagedOut(state))
    stored.pages.forEach((page, at) => {
      differences.push(...differencesOf(page, JSON.parse(JSON.stringify(pageOf(state, at))), 'steps'));
    });
  return { seq, differences, skipped: null };
};

interface Snapshot {
  readonly head: TaskRecord;
  readonly pages: readonly unknown[];
}

/** A string says what is wrong with it. */
const snapshotOf = async (bus: Bus, task: string): Promise<Snapshot | string | null> => {
  const store = bus.store(bus.names.buckets.tasks);
  for (;;) {
    const entry = await store.get(task);
    if (entry === null || entry.gone) {
      const archived = await openArchive(bus).find(task);
      return archived === null ? null : { head: archived.head, pages: archived.pages };
    }
    try {
      const head = JSON.parse(textOf(entry.data)) as TaskRecord;
      if (typeof head?.seq !== 'number') return 'The snapshot is no record of a task.';
      const keys = head.steps_in ?? [];
      const pages = await Promise.all(keys.map((key) => store.get(key)));
      // They are read one by one: the same head before and after means that nothing moved in between.
      if (keys.length > 0 && (await store.get(task))?.revision !== entry.revision) continue;
      const lost = keys.find((_, at) => pages[at] === null || pages[at]?.gone === true);
      if (lost !== undefined) return `The snapshot names its page ${lost}, which is not stored.`;
      return { head, pages: pages.map((page) => JSON.parse(textOf(page?.data ?? new Uint8Array())) as unknown) };
    } catch (error) {
      return `The snapshot can't be read: ${(error as Error).message}.`;
    }
  }
};

/** By path, in the order of the log's record. */
export const differencesOf = (snapshot: unknown, log: unknown, path: string): string[] => {
  if (Object.is(snapshot, log)) return [];
  if (!isContainer(snapshot) || !isContainer(log) || Array.isArray(snapshot) !== Array.isArray(log))
    return [`${path || 'The record'}: the snapshot says ${brief(snapshot)}, the log says ${brief(log)}.`];
  const keys = new Set([...Object.keys(log), ...Object.keys(snapshot)]);
  return [...keys].flatMap((key) =>
    differencesOf(
      (snapshot as Record<string, unknown>)[key],
      (log as Record<string, unknown>)[key],
      path === '' ? key : `${path}.${key}`,
    ),
  );
};

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

const brief = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
};
