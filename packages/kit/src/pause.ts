// Lets time pass, and stops waiting when the work is stopped.
import { startTimer } from './timer.ts';

/** Resolves early, and does not throw, where the signal is given. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((over) => {
    const end = (): void => {
      timer.stop();
      signal.removeEventListener('abort', end);
      over();
    };
    const timer = startTimer(ms, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
