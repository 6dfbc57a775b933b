// Tasks on their way into memory: what is heard of one meanwhile waits, in order.
import { PassingMap } from '@capstan/bus';
import { type Actor, earlier, type Mark } from './actor.ts';
import type { Heard } from './hear.ts';

interface Arrival {
  readonly held: Heard[];
  /** What is to be done once what it set out for is: nobody sets out for the same task twice at a time. */
  readonly next: Work[];
  /** The first event that it holds back. */
  from: Mark | null;
  readonly done: Promise<Actor | null>;
}

type Work = () => Promise<readonly Heard[] | void>;

export interface Arrivals {
  readonly size: number;
  /** Keeps an event for a task that is on its way; false for any other. */
  hold(heard: Heard): boolean;
  /** What arrives, with everything heard meanwhile applied; null while there is no such task on its way. */
  of(task: string): Promise<Actor | null> | null;
  /**
   * Sets out for a task; `from` is the event that it began with, where that is what it waits for. Events that the work brings along come before
   * those that were heard meanwhile.
   */
  begin(task: string, from: Mark | null, work: Work): Promise<Actor | null>;
  /** Keeps what is heard of a task that is not here and is not to come just now; after the work it is heard as if it came then. */
  keepBack(task: string, work: () => Promise<void>): void;
  /** The first event that any of them holds back: it would be lost with this process. */
  uncovered(): Mark | null;
}

export interface ArrivalsParts {
  readonly stopped: () => boolean;
  /** Hands out what was held back, one by one. The first of them may set the task on its way again; the rest waits for that. */
  readonly apply: (heard: Heard) => void;
  /** Hands out what was kept back: its task is not here, and may have to be loaded. */
  readonly take: (heard: Heard) => void;
  /** It is here, or does not exist. */
  readonly here: (task: string) => Actor | null;
  readonly fatal: (error: unknown) => void;
}

export const newArrivals = (parts: ArrivalsParts): Arrivals => {
  const arrivals = new PassingMap<string, Arrival>();
  const hold = (heard: Heard): boolean => {
    const arrival = arrivals.get(heard.task);
    if (arrival === undefined) return false;
    arrival.from ??= heard.message;
    arrival.held.push(heard);
    return true;
  };
  const setOut = (task: string, from: Mark | null, work: Work, hand: (heard: Heard) => void): Promise<Actor | null> => {
    const before = arrivals.get(task);
    if (before !== undefined) {
      before.from = earlier(before.from, from);
      before.next.push(work);
      return before.done;
    }
    const [held, next]: [Heard[], Work[]] = [[], [work]];
    const arrive = async (): Promise<Actor | null> => {
      const brought: Heard[] = [];
      for (let one = next.shift(); one !== undefined; one = next.shift()) brought.push(...((await one()) ?? []));
      arrivals.delete(task);
      if (parts.stopped()) return null;
      for (const heard of [...brought, ...held]) if (!hold(heard)) hand(heard);
      return parts.here(task);
    };
    // What it sets out with may ask for more at once.
    const arrival: { -readonly [Key in keyof Arrival]: Arrival[Key] } = {
      held,
      next,
      from,
      done: Promise.resolve(null),
    };
    arrivals.set(task, arrival);
    arrival.done = arrive();
    arrival.done.catch(parts.fatal);
    return arrival.done;
  };
  return {
    get size() {
      return arrivals.size;
    },
    hold,
    of: (task) => arrivals.get(task)?.done ?? null,
    begin: (task, from, work) => setOut(task, from, work, parts.apply),
    keepBack: (task, work) => void setOut(task, null, work, parts.take),
    uncovered: () => {
      let low: Mark | null = null;
      for (const { from } of arrivals.values()) low = earlier(low, from);
      return low;
    },
  };
};
