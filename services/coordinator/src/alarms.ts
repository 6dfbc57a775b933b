// What is due when: a heap with one real timer, for the earliest. Taking an alarm back only forgets its name; the heap finds out when it is due.
import type { Clock } from './clock.ts';

interface Alarm {
  readonly at: number;
  readonly name: string;
  readonly ring: () => void;
}

export interface Alarms {
  /** A second alarm of the same name replaces the first. */
  set(name: string, at: number, ring: () => void): void;
  clear(name: string): void;
  readonly size: number;
  stop(): void;
}

export const alarms = (clock: Clock): Alarms => {
  const heap: Alarm[] = [];
  const set = new Map<string, Alarm>();
  let timer: { readonly at: number; readonly cancel: () => void } | null = null;

  const schedule = () => {
    while (heap[0] !== undefined && set.get(heap[0].name) !== heap[0]) pop(heap);
    const next = heap[0];
    if (next === undefined || (timer !== null && timer.at <= next.at)) return;
    timer?.cancel();
    timer = { at: next.at, cancel: clock.later(Math.max(0, next.at - clock.now()), ring) };
  };
  const ring = () => {
    timer = null;
    const now = clock.now();
    for (let next = heap[0]; next !== undefined && next.at <= now; next = heap[0]) {
      pop(heap);
      if (set.get(next.name) !== next) continue;
      set.delete(next.name);
      next.ring();
    }
    schedule();
  };
  return {
    set: (name, at, call) => {
      const alarm = { at, name, ring: call };
      set.set(name, alarm);
      push(heap, alarm);
      schedule();
    },
    clear: (name) => void set.delete(name),
    get size() {
      return set.size;
    },
    stop: () => {
      timer?.cancel();
      timer = null;
      set.clear();
      heap.length = 0;
    },
  };
};

const push = (heap: Alarm[], alarm: Alarm): void => {
  let at = heap.length;
  heap.push(alarm);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if ((heap[parent] as Alarm).at <= alarm.at) break;
    heap[at] = heap[parent] as Alarm;
    at = parent;
  }
  heap[at] = alarm;
};

const pop = (heap: Alarm[]): void => {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] as Alarm).at < (heap[child] as Alarm).at) child += 1;
    if ((heap[child] as Alarm).at >= last.at) break;
    heap[at] = heap[child] as Alarm;
    at = child;
  }
  heap[at] = last;
};
