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

/** Real time that can be ended: nothing that is still due keeps the process alive, or runs, after `stop`. */
export const endingClock = (): Clock & { stop(): void } => {
  const cancels = new Set<() => void>();
  let stopped = false;
  return {
    now: realClock.now,
    later(ms, act) {
      if (stopped) return () => {};
      const cancel = realClock.later(ms, () => {
        cancels.delete(kept);
        act();
      });
      const kept = (): void => {
        cancels.delete(kept);
        cancel();
      };
      cancels.add(kept);
      return kept;
    },
    stop() {
      stopped = true;
      for (const cancel of cancels) cancel();
    },
  };
};
