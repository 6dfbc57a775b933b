// Virtual time: nothing waits for real. What is due runs in order of time, then in the order in which it was asked for.

interface Due {
  readonly at: number;
  readonly order: number;
  act: (() => void) | null;
}

export interface SimClock {
  now(): number;
  later(ms: number, act: () => void): () => void;
  every(ms: number, act: () => void): () => void;
}

export class Timeline implements SimClock {
  #now = Date.UTC(2026, 0, 1);
  #order = 0;
  readonly #heap: Due[] = [];
  steps = 0;

  now = (): number => this.#now;

  later = (ms: number, act: () => void): (() => void) => {
    const due: Due = { at: this.#now + Math.max(0, ms), order: this.#order, act };
    this.#order += 1;
    push(this.#heap, due);
    return () => {
      due.act = null;
    };
  };

  every = (ms: number, act: () => void): (() => void) => {
    let cancel = (): void => {};
    const again = (): void => {
      cancel = this.later(ms, again);
      act();
    };
    cancel = this.later(ms, again);
    return () => cancel();
  };

  /** Runs until a time, letting every promise settle between two moments. */
  async until(time: number, stop: () => boolean = () => false): Promise<void> {
    for (;;) {
      await settle();
      if (stop()) return;
      const next = this.#heap[0];
      if (next === undefined || next.at > time) {
        this.#now = Math.max(this.#now, time);
        return;
      }
      this.#now = Math.max(this.#now, next.at);
      // Everything due at this moment, and nothing that it causes: that comes after the promises have settled.
      const last = this.#order;
      while (this.#heap[0] !== undefined && this.#heap[0].at <= this.#now && this.#heap[0].order < last) {
        const due = pop(this.#heap) as Due;
        if (due.act === null) continue;
        this.steps += 1;
        due.act();
      }
    }
  }
}

/** A tick that a promise asked for comes once every promise has settled; unlike an immediate it costs no turn of the event loop. */
const settle = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

const before = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

const push = (heap: Due[], due: Due): void => {
  let at = heap.length;
  heap.push(due);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(due, heap[parent] as Due)) break;
    heap[at] = heap[parent] as Due;
    at = parent;
  }
  heap[at] = due;
};

const pop = (heap: Due[]): Due | undefined => {
  const top = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Due, heap[child] as Due)) child += 1;
    if (!before(heap[child] as Due, last)) break;
    heap[at] = heap[child] as Due;
    at = child;
  }
  heap[at] = last;
  return top;
};
