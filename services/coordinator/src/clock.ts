// Time, as a port: the simulator has its own.

export interface Clock {
  now(): number;
  /** Calls once, after a while. Returns what takes it back. */
  later(ms: number, call: () => void): () => void;
  /** Calls again and again, until it is taken back. */
  every(ms: number, call: () => void): () => void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  later: (ms, call) => {
    // Node rounds a longer delay down to one millisecond.
    const timer = setTimeout(call, Math.min(ms, 2_147_483_647));
    return () => clearTimeout(timer);
  },
  every: (ms, call) => {
    const timer = setInterval(call, ms);
    return () => clearInterval(timer);
  },
};
