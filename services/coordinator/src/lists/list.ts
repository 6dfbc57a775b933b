// A list of one partition, kept in step with what is stored: whoever owns the partition changes it and stores it along with the checkpoint, so
// that what the checkpoint has passed is on it. What is asked of it costs what is found, not what there is: a head tells which pages to read. What
// was changed since the pages were written goes into the checkpoint itself, since a batch of several keys costs the server three syncs to disk.
import type { Change, Store } from '@capstan/bus';
import { inOrder, type Listed, matches, type Query } from './listed.ts';
import { cut, type Entries, entriesIn, entriesText, headIn, headText, type Page, pageAt, summary } from './pages.ts';

export interface Found {
  /** One more than were asked for, where there are more. */
  readonly some: readonly Listed[];
  /** Without looking at where the page begins. */
  readonly total: number;
}

export interface List {
  /** Its pages could be read. */
  readonly isReadable: boolean;
  /** Something is to be stored. */
  readonly changed: boolean;
  put(one: Listed): void;
  /** Only where there is none of this name: what is known of it is newer. */
  add(one: Listed): void;
  remove(one: { readonly id: string; readonly created: number }): void;
  find(query: Query): Promise<Found>;
  /** Those that ended before a time, of the pages that hold the oldest of them; at most about as many. */
  endedBefore(time: number, most: number): Promise<Listed[]>;
  /** The first of all events of those on it; Infinity where there is none. */
  first(): number;
  /** The one that began first. */
  oldest(): Promise<Listed | null>;
  /** How many have ended, as far as groups tell. */
  count(isWanted: (group: string) => boolean): number;
  /** Pages that are to be stored now, all or nothing; `kept` and `lost` say how that went. */
  changes(): Promise<{ readonly changes: readonly Change[]; readonly kept: () => void; readonly lost: () => void }>;
  /** What was changed, and is on no page that is stored or about to be. */
  rows(): Row[];
}

/** Name, time, group, first, ended, and whether it is newer than what is there; without a group it is gone. */
export type Row = readonly [string, number, string | null, number, number, boolean];

const entriesPerPage = 128;
/** That are kept in memory although nothing of them is to be stored. */
const pagesKept = 3;
/** As many changes go into a checkpoint; more of them are brought to their pages. */
const journalMax = 256;

interface Pending {
  readonly created: number;
  readonly one: Listed | null;
  readonly isNews: boolean;
}

export const openList = async (store: Store, key: string, rows: readonly Row[]): Promise<List> => {
  const head = await store.get(key);
  let pages: Page[] = [];
  let isReadable = true;
  try {
    if (head !== null && !head.gone) pages = headIn(head.data);
  } catch {
    // Somebody else wrote there: it is made anew.
    isReadable = false;
  }
  const loaded = new Map<number, Entries>();
  const dirty = new Set<number>();
  const removed = new Set<number>();
  /** Pages whose summary is not what they hold; it is made when somebody wants it, and not for each entry. */
  const stale = new Set<number>();
  /** Of pages that are not in memory. */
  let pending = new Map<string, Pending>();
  /** All since the pages were stored. */
  const journal = new Map<string, Pending>();
  /** Of it, what is about to be on a page. */
  let leaving: ReadonlyMap<string, Pending> = new Map();
  let isNew = false;
  let isHeadDirty = false;
  let next = pages.reduce((most, { number }) => Math.max(most, number + 1), 0);
  const pageKey = (number: number): string => `${key}.${number}`;

  /** One at a time for each page: an answer that came late would bring back what was changed since. */
  const fetching = new Map<number, Promise<Entries>>();
  const fetch = (number: number): Promise<Entries> => {
    const under = fetching.get(number) ?? read(number).finally(() => fetching.delete(number));
    fetching.set(number, under);
    return under;
  };
  const read = async (number: number): Promise<Entries> => {
    const entry = await store.get(pageKey(number));
    try {
      return entry === null || entry.gone ? new Map() : entriesIn(entry.data);
    } catch {
      isReadable = false;
      return new Map();
    }
  };
  const touch = (number: number, entries: Entries): void => {
    loaded.delete(number);
    loaded.set(number, entries);
  };
  /** False where its page is not in memory. */
  const apply = (id: string, wish: Pending): boolean => {
    const { created, one, isNews } = wish;
    if (pages.length === 0) {
      if (one === null) return true;
      pages = [summary(next, one.created, new Map())];
      touch(next, new Map());
      next += 1;
    }
    const at = pageAt(pages, created);
    const { number } = pages[at] as Page;
    const entries = loaded.get(number);
    if (entries === undefined) return false;
    const before = entries.get(id);
    if (before !== undefined && !isNews) return true;
    if (one === null ? before === undefined : before !== undefined && same(before, one)) return true;
    if (one === null) entries.delete(id);
    else entries.set(id, one);
    touch(number, entries);
    stale.add(number);
    dirty.add(number);
    isHeadDirty = true;
    note(id, wish);
    return true;
  };
  const note = (id: string, wish: Pending): void => {
    if (journal.get(id) === wish) return;
    journal.set(id, wish);
    isNew = true;
  };

  const tidy = (): void => {
    for (const number of stale) {
      const at = pages.findIndex((page) => page.number === number);
      const entries = loaded.get(number);
      if (at >= 0 && entries !== undefined) split(at, entries);
    }
    stale.clear();
  };
  const split = (at: number, entries: Entries): void => {
    const { number } = pages[at] as Page;
    if (entries.size === 0) {
      pages.splice(at, 1);
      loaded.delete(number);
      dirty.delete(number);
      removed.add(number);
      return;
    }
    const parts = cut(entries, entriesPerPage, at === pages.length - 1);
    const made = parts.map((part, nth): Page => {
      const [oldest] = nth === 0 ? [] : [...part.values()];
      const own = nth === 0 ? number : next++;
      touch(own, part);
      dirty.add(own);
      return summary(own, oldest?.created ?? (pages[at] as Page).from, part);
    });
    pages.splice(at, 1, ...made);
  };

  /** Brings into memory what it takes to apply what is pending. */
  const settle = async (): Promise<void> => {
    while (pending.size > 0) {
      const wanted = new Set<number>();
      for (const { created } of pending.values()) {
        const page = pages[pageAt(pages, created)];
        if (page !== undefined && !loaded.has(page.number)) wanted.add(page.number);
      }
      const fetched = await Promise.all([...wanted].map(async (number) => [number, await fetch(number)] as const));
      for (const [number, entries] of fetched) if (!loaded.has(number)) touch(number, entries);
      const due = pending;
      pending = new Map();
      for (const [id, change] of due) if (!apply(id, change)) pending.set(id, change);
    }
    tidy();
  };
  const forgetSome = (): void => {
    const newest = pages.at(-1)?.number;
    let left = loaded.size - pagesKept;
    for (const number of loaded.keys()) {
      if (left <= 0) return;
      if (dirty.has(number) || number === newest) continue;
      loaded.delete(number);
      left -= 1;
    }
  };
  const change = (id: string, wish: Pending): void => {
    if (pending.has(id) ? !wish.isNews : apply(id, wish)) return;
    pending.set(id, wish);
    note(id, wish);
  };
  for (const [id, created, group, first, ended, isNews] of rows)
    change(id, { created, one: group === null ? null : { id, created, group, first, ended }, isNews });
  isNew = false;

  const entriesOf = async ({ number }: Page): Promise<Entries> => loaded.get(number) ?? (await fetch(number));

  return {
    get isReadable() {
      return isReadable;
    },
    get changed() {
      return isNew;
    },
    put: (one) => change(one.id, { created: one.created, one, isNews: true }),
    add: (one) => change(one.id, { created: one.created, one, isNews: false }),
    remove: ({ id, created }) => change(id, { created, one: null, isNews: true }),
    find: async (query) => {
      await settle();
      const { since = Number.NEGATIVE_INFINITY, behind, rising, limit } = query;
      const by = inOrder(rising);
      const shown = [...pages];
      const wanted = (page: Page) => [...page.groups.keys()].some((group) => matches(query, group));
      const upTo = (at: number) => shown[at + 1]?.from ?? Number.POSITIVE_INFINITY;
      const chosen = (entries: Entries) =>
        [...entries.values()].filter((one) => one.created >= since && matches(query, one.group));
      const order = rising ? [...shown.keys()] : [...shown.keys()].toReversed();
      const some: Listed[] = [];
      let total = 0;
      for (const at of order) {
        const page = shown[at] as Page;
        if (upTo(at) <= since || !wanted(page)) continue;
        const isBehind =
          behind === undefined || (rising ? upTo(at) > behind.created : at === 0 || page.from <= behind.created);
        // Of the first page nothing is known but that it holds all that is older.
        const isWithin = since === Number.NEGATIVE_INFINITY || (page.from >= since && at > 0);
        if (isWithin && (!isBehind || some.length > limit)) {
          for (const [group, count] of page.groups) if (matches(query, group)) total += count;
          continue;
        }
        const found = chosen(await entriesOf(page));
        total += found.length;
        if (some.length > limit) continue;
        some.push(...found.filter((one) => behind === undefined || by(behind, one) < 0).toSorted(by));
      }
      return { some: some.slice(0, limit + 1), total };
    },
    endedBefore: async (time, most) => {
      await settle();
      const found: Listed[] = [];
      for (const page of [...pages]) {
        if (page.ended === 0 || page.ended >= time) continue;
        if (found.length >= most) break;
        for (const one of (await entriesOf(page)).values()) if (one.ended > 0 && one.ended < time) found.push(one);
      }
      return found.toSorted((a, b) => a.ended - b.ended).slice(0, most);
    },
    first: () => {
      tidy();
      let least = Number.POSITIVE_INFINITY;
      for (const page of pages) least = Math.min(least, page.first);
      for (const { one } of journal.values()) if (one !== null) least = Math.min(least, one.first);
      return least;
    },
    oldest: async () => {
      await settle();
      const [page] = pages.toSorted((a, b) => a.first - b.first);
      const [one] =
        page === undefined ? [] : [...(await entriesOf(page)).values()].toSorted((a, b) => a.first - b.first);
      return one ?? null;
    },
    count: (isWanted) => {
      tidy();
      let sum = 0;
      for (const { groups } of pages) for (const [group, count] of groups) if (isWanted(group)) sum += count;
      return sum;
    },
    rows: () =>
      [...journal].flatMap(([id, wish]): Row[] => {
        if (leaving.get(id) === wish) return [];
        const { created, one, isNews } = wish;
        return [[id, created, one?.group ?? null, one?.first ?? 0, one?.ended ?? 0, isNews]];
      }),
    changes: async () => {
      const wasNew = isNew;
      isNew = false;
      if (journal.size <= journalMax) return { changes: [], kept: () => {}, lost: () => void (isNew ||= wasNew) };
      // What came while pages were read waits for others; from here on nothing comes in between.
      while (pending.size > 0) await settle();
      tidy();
      const stored = [...dirty];
      const gone = [...removed];
      const wasDirty = isHeadDirty;
      leaving = new Map(journal);
      dirty.clear();
      removed.clear();
      isHeadDirty = false;
      const changes: Change[] = stored.map((number) => ({
        key: pageKey(number),
        data: entriesText(loaded.get(number) ?? new Map()),
        expect: null,
      }));
      for (const number of gone) changes.push({ key: pageKey(number), data: '', expect: null, gone: true });
      if (wasDirty) changes.push({ key, data: headText(pages), expect: null });
      return {
        changes,
        kept: () => {
          for (const [id, wish] of leaving) if (journal.get(id) === wish) journal.delete(id);
          leaving = new Map();
          forgetSome();
        },
        lost: () => {
          leaving = new Map();
          for (const number of stored) if (pages.some((page) => page.number === number)) dirty.add(number);
          for (const number of gone) removed.add(number);
          isHeadDirty ||= wasDirty;
          isNew ||= wasNew;
        },
      };
    },
  };
};

const same = (a: Listed, b: Listed): boolean =>
  a.created === b.created && a.group === b.group && a.first === b.first && a.ended === b.ended;
