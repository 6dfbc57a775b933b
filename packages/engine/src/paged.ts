// A list that is never changed in place: changing one element copies its page of 128 and the list of pages, so a plan of 50,000
// steps costs about as much per event as one of 100, and two versions of a list tell by identity which pages differ.

const size = 128;

export interface Paged<T> {
  readonly length: number;
  readonly pages: readonly (readonly T[])[];
}

export const pageSize = size;
export const emptyPaged: Paged<never> = { length: 0, pages: [] };

export const pagedOf = <T>(count: number, of: (at: number) => T): Paged<T> => {
  const pages: T[][] = [];
  for (let at = 0; at < count; at += size) {
    pages.push(Array.from({ length: Math.min(size, count - at) }, (_, offset) => of(at + offset)));
  }
  return { length: count, pages };
};

export const readPaged = <T>(list: Paged<T>, at: number): T => {
  const page = list.pages[Math.floor(at / size)];
  if (page === undefined || at >= list.length) throw new RangeError(`no element ${at} in a list of ${list.length}`);
  return page[at % size] as T;
};

/** A version under construction: pages are copied on the first change, then changed in place until `done`. */
export interface PagedDraft<T> {
  read(at: number): T;
  write(at: number, value: T): void;
  push(value: T): void;
  readonly length: number;
  done(): Paged<T>;
}

export const draftPaged = <T>(from: Paged<T>): PagedDraft<T> => {
  let pages: T[][] | null = null;
  let length = from.length;
  const own = new Set<number>();
  const page = (number: number): T[] => {
    pages ??= from.pages.slice() as T[][];
    if (!own.has(number)) {
      own.add(number);
      pages[number] = pages[number]?.slice() ?? [];
    }
    return pages[number] as T[];
  };
  return {
    read: (at) => {
      if (at < 0 || at >= length) throw new RangeError(`no element ${at} in a list of ${length}`);
      return ((pages ?? from.pages)[Math.floor(at / size)] as T[])[at % size] as T;
    },
    write: (at, value) => {
      if (at < 0 || at >= length) throw new RangeError(`no element ${at} in a list of ${length}`);
      page(Math.floor(at / size))[at % size] = value;
    },
    push: (value) => {
      page(Math.floor(length / size))[length % size] = value;
      length += 1;
    },
    get length() {
      return length;
    },
    done: () => (pages === null ? from : { length, pages }),
  };
};
