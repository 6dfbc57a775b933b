// Time and order, handed in: a simulator gives a clock of its own and decides what happens next.
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Returns what cancels it. What is due at the same time runs in the order it was asked for. */
  later(ms: number, act: () => void): () => void;
}

export const realClock: Clock = {
  now: Date.now,
  later(ms, act) {
    if (ms <= 0) {
      const immediate = setImmediate(act);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};
