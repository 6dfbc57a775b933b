// A circuit breaker: after several failures in a row nothing is tried for a while, then one try decides.

export interface Breaker {
  /** Null where it may be tried now; otherwise for how many milliseconds not. A try that is let through must be told of. */
  wait(): number | null;
  succeeded(): void;
  failed(): void;
  readonly state: 'closed' | 'open' | 'half-open';
}

export interface BreakerOptions {
  readonly failuresMax: number;
  readonly openMs: number;
  /** It grows with each try that fails, up to this. */
  readonly openMsMax: number;
  readonly now?: () => number;
}

export const newBreaker = ({ failuresMax, openMs, openMsMax, now = Date.now }: BreakerOptions): Breaker => {
  let failures = 0;
  let openUntil = 0;
  let span = openMs;
  let trying = false;
  const state = (): Breaker['state'] => (failures < failuresMax ? 'closed' : now() < openUntil ? 'open' : 'half-open');
  return {
    wait: () => {
      const is = state();
      if (is === 'open') return openUntil - now();
      if (is === 'closed') return null;
      // Others wait until the one that is let through has come back.
      if (trying) return span;
      trying = true;
      return null;
    },
    succeeded: () => {
      failures = 0;
      span = openMs;
      trying = false;
    },
    failed: () => {
      const again = failures >= failuresMax;
      failures++;
      trying = false;
      if (failures < failuresMax) return;
      if (again) span = Math.min(span * 2, openMsMax);
      openUntil = now() + span;
    },
    get state() {
      return state();
    },
  };
};
