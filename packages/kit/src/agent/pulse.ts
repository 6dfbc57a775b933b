// One timer for everything that this process works on: it keeps the server patient with what takes long, and tells whoever watches that
// work has begun; a timer for each would cost more than most work does. What is over within a moment is never told of as begun.
import { PassingMap } from '@capstan/bus';

export interface Pulsing {
  /** How often it wants to beat. */
  readonly everyMs: number;
  beat(): void;
  /** Called once, when it has been at work for a moment. */
  begun(): void;
}

export interface Pulse {
  add(one: Pulsing): void;
  remove(one: Pulsing): void;
}

interface Next {
  at: number;
  begunAt: number | null;
}

const tickMs = 50;
const momentMs = 100;

export const newPulse = (): Pulse => {
  const all = new PassingMap<Pulsing, Next>();
  let timer: NodeJS.Timeout | null = null;
  const tick = (): void => {
    const now = Date.now();
    for (const [one, next] of all) {
      if (next.begunAt !== null && now >= next.begunAt) {
        next.begunAt = null;
        one.begun();
      }
      if (now < next.at) continue;
      next.at = now + one.everyMs;
      one.beat();
    }
    if (all.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
  return {
    add: (one) => {
      const now = Date.now();
      all.set(one, { at: now + one.everyMs, begunAt: now + momentMs });
      timer ??= setInterval(tick, tickMs);
    },
    // The timer finds out by itself that nothing is left; it is not stopped and started for each order.
    remove: (one) => void all.delete(one),
  };
};
