// What is due when: a heap with one real timer, for the earliest. Taking an alarm back only forgets it; the heap finds out when it is due, or
// when most of it is forgotten: attempts nearly always end long before their time, and must not fill the memory until then.
import { PassingMap } from '@capstan/bus';
import type { Clock } from './clock.ts';

type Name = number | 'load';

interface Alarm {
  readonly owner: string;
  readonly name: Name;
  readonly at: number;
  /** Null once it is over: rung, replaced or taken back. What it would have woken is not kept by it. */
  ring: (() => void) | null;
}

export interface Alarms {
  /** A second alarm of the same owner and name replaces the first. */
  set(owner: string, name: Name, at: number, ring: () => void): void;
  clear(owner: string, name: Name): void;
  /** Takes back all that an owner has set. */
  forget(owner: string): void;
  readonly size: number;
  /** How many the heap holds, over or not. */
  readonly held: number;
  stop(): void;
}

export const alarms = (clock: Clock): Alarms => {
  let heap: Alarm[] = [];
  let owners = new PassingMap<string, Map<Name, Alarm>>();
  let live = 0;
  let timer: { readonly at: number; readonly cancel: () => void } | null = null;

  const schedule = () => {
    while (heap[0]?.ring === null) pop(heap);
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
      const { ring: call } = next;
      if (call === null) continue;
      remove(next);
      call();
    }
    schedule();
  };
  const end = (alarm: Alarm) => {
    if (alarm.ring === null) return;
    alarm.ring = null;
    live -= 1;
  };
  const remove = (alarm: Alarm) => {
    end(alarm);
    const own = owners.get(alarm.owner);
    own?.delete(alarm.name);
    if (own?.size === 0) owners.delete(alarm.owner);
  };
  const compact = () => {
    if (heap.length < compactFrom || heap.length < 2 * live) return;
    // In order of time they are a heap already.
    heap = heap.filter(({ ring: call }) => call !== null).sort((a, b) => a.at - b.at);
  };
  return {
    set: (owner, name, at, call) => {
      const alarm = { owner, name, at, ring: call };
      let own = owners.get(owner);
      if (own === undefined) owners.set(owner, (own = new Map()));
      const before = own.get(name);
      if (before !== undefined) end(before);
      own.set(name, alarm);
      live += 1;
      push(heap, alarm);
      compact();
      schedule();
    },
    clear: (owner, name) => {
      const alarm = owners.get(owner)?.get(name);
      if (alarm !== undefined) remove(alarm);
    },
    forget: (owner) => {
      for (const alarm of owners.get(owner)?.values() ?? []) end(alarm);
      owners.delete(owner);
    },
    get size() {
      return live;
    },
    get held() {
      return heap.length;
    },
    stop: () => {
      timer?.cancel();
      timer = null;
      owners = new PassingMap();
      heap = [];
      live = 0;
    },
  };
};

const compactFrom = 1_024;

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
