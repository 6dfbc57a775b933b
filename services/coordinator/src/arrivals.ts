// Tasks on their way into memory: what is heard of one meanwhile waits, in order.
import { PassingMap } from '@capstan/bus';
import { type Actor, earlier, type Mark } from './actor.ts';
import type { Heard } from './hear.ts';

interface Arrival {
  readonly held: Heard[];
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
    const done = work().then((brought) => {
      const { held } = arrivals.get(task) as Arrival;
      arrivals.delete(task);
      if (parts.stopped()) return null;
      for (const heard of [...(brought ?? []), ...held]) if (!hold(heard)) hand(heard);
      return parts.here(task);
    });
    arrivals.set(task, { held: [], from, done });
    done.catch(parts.fatal);
    return done;
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
