// Lets time pass, and stops waiting when the work is stopped.
import { startTimer } from '@capstan/kit';

/** Resolves early, and does not throw, where the signal is given. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((over) => {
    const timer = startTimer(ms, over);
    const end = () => {
      timer.stop();
      over();
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
