// A timer that takes any length: `setTimeout` fires at once where a delay passes 2^31 ms, which is 24 days.

export interface Timer {
  stop(): void;
}

const longest = 2_000_000_000;

export const startTimer = (ms: number, on: () => void): Timer => {
  let handle: NodeJS.Timeout;
  const arm = (left: number): void => {
    handle = left > longest ? setTimeout(arm, longest, left - longest) : setTimeout(on, Math.max(0, left));
  };
  arm(ms);
  return { stop: () => clearTimeout(handle) };
};
