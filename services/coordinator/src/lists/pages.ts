// How a list is stored: pages of entries in the order of their creation, and a head that says what each page holds, so that what nobody asks for
// is not read.
import { textOf } from '@capstan/bus';
import type { Listed } from './listed.ts';

export interface Page {
  readonly number: number;
  /** Holds what was created from then on, up to the page that comes next. */
  readonly from: number;
  /** How many of each group. */
  readonly groups: ReadonlyMap<string, number>;
  /** The first of all events of its tasks. */
  readonly first: number;
  /** When the first of them ended that has ended; 0 where none has. */
  readonly ended: number;
}

export type Entries = Map<string, Listed>;

export const summary = (number: number, from: number, entries: Entries): Page => {
  const groups = new Map<string, number>();
  let first = Number.POSITIVE_INFINITY;
  let ended = Number.POSITIVE_INFINITY;
  for (const one of entries.values()) {
    groups.set(one.group, (groups.get(one.group) ?? 0) + 1);
    first = Math.min(first, one.first);
    if (one.ended > 0) ended = Math.min(ended, one.ended);
  }
  return { number, from, groups, first, ended: Number.isFinite(ended) ? ended : 0 };
};

export const entriesText = (entries: Entries): string => {
  const rows: [string, number, string, number, number][] = [];
  for (const { id, created, group, first, ended } of entries.values()) rows.push([id, created, group, first, ended]);
  return JSON.stringify(rows);
};

export const entriesIn = (data: Uint8Array): Entries =>
  new Map(
    (JSON.parse(textOf(data)) as [string, number, string, number, number][]).map(
      ([id, created, group, first, ended]) => [id, { id, created, group, first, ended }],
    ),
  );

export const headText = (pages: readonly Page[]): string =>
  JSON.stringify({
    v: 1,
    pages: pages.map(({ number, from, groups, first, ended }) => [
      number,
      from,
      Object.fromEntries(groups),
      first,
      ended,
    ]),
  });

/** Throws for what is no head. */
export const headIn = (data: Uint8Array): Page[] => {
  const head = JSON.parse(textOf(data)) as { pages: [number, number, Record<string, number>, number, number][] };
  return head.pages.map(([number, from, groups, first, ended]) => ({
    number,
    from,
    groups: new Map(Object.entries(groups)),
    first,
    ended,
  }));
};

/** The page that holds what was created then; -1 where there is none yet. */
export const pageAt = (pages: readonly Page[], created: number): number => {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pages[middle] as Page).from <= created) low = middle + 1;
    else high = middle;
  }
  // What is older than all belongs to the first.
  return Math.max(low - 1, Math.min(0, pages.length - 1));
};

/**
 * Into as many as it takes, each with a time of its own: what was created in one moment stays together, however much it is. The last page of all
 * is filled up, since nothing comes before it any more; another is halved.
 */
export const cut = (entries: Entries, most: number, isLast: boolean): Entries[] => {
  if (entries.size <= most) return [entries];
  const sorted = [...entries.values()].toSorted((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
  const size = isLast ? most : Math.ceil(most / 2);
  const parts: Entries[] = [];
  let part: Entries = new Map();
  let before = Number.NaN;
  for (const one of sorted) {
    if (part.size >= size && one.created !== before) {
      parts.push(part);
      part = new Map();
    }
    part.set(one.id, one);
    before = one.created;
  }
  return [...parts, part];
};
