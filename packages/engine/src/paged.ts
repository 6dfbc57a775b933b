// A list that is never changed in place: changing one element copies its page of 128 and the list of pages, so a plan of 50,000
// steps costs about as much per event as one of 100, and two versions of a list tell by identity which pages differ.

const size = 128;

export interface Paged<T> {
  readonly length: number;
  readonly pages: readonly (readonly T[])[];
}

export const pageSize = size;
export const emptyPaged: Paged<never> = Object.freeze({ length: 0, pages: Object.freeze([]) });

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

const fewMax = 8;

/** A version under construction: what is changed is copied first, and belongs to the draft from then on until `done`. */
export class PagedDraft<T> {
  length: number;
  readonly #from: Paged<T>;
  #pages: (readonly T[])[] | null = null;
  /** Most events change one page, so it is told by comparing one number. */
  #lastOwn = -1;
  #own: Set<number> | null = null;
  /** Elements that were copied here, and so may be changed in place: a few at most events, all of them at some. */
  readonly #few: T[] = [];
  #many: Set<T> | null = null;

  constructor(from: Paged<T>) {
    this.#from = from;
    this.length = from.length;
  }

  read(at: number): T {
    if (at < 0 || at >= this.length) throw new RangeError(`no element ${at} in a list of ${this.length}`);
    return ((this.#pages ?? this.#from.pages)[Math.floor(at / size)] as readonly T[])[at % size] as T;
  }

  write(at: number, value: T): void {
    if (at < 0 || at >= this.length) throw new RangeError(`no element ${at} in a list of ${this.length}`);
    this.#page(Math.floor(at / size))[at % size] = value;
  }

  push(value: T): void {
    this.#page(Math.floor(this.length / size))[this.length % size] = value;
    this.length += 1;
  }

  /** A copy of an object that may be changed in place; the same one when it is asked for again. */
  edit(at: number): T {
    const present = this.read(at);
    if (this.#few.includes(present) || this.#many?.has(present) === true) return present;
    const copy = { ...present };
    this.write(at, copy);
    if (this.#few.length < fewMax) this.#few.push(copy);
    else (this.#many ??= new Set()).add(copy);
    return copy;
  }

  done(): Paged<T> {
    return this.#pages === null ? this.#from : { length: this.length, pages: this.#pages };
  }

  #page(number: number): T[] {
    const pages = (this.#pages ??= this.#from.pages.slice());
    if (number !== this.#lastOwn && this.#own?.has(number) !== true) {
      pages[number] = pages[number]?.slice() ?? [];
      if (this.#lastOwn >= 0) (this.#own ??= new Set()).add(this.#lastOwn);
      this.#lastOwn = number;
    }
    return pages[number] as T[];
  }
}
