// One attempt while it runs: its abort signal, its time limit, and how it came to its end. Nothing here knows of NATS.
import { type Outcome, retry, Stopped } from '../outcome.ts';
import { startTimer, type Timer } from '../timer.ts';

/** Why an attempt was told to stop. */
export type StopReason = 'timeout' | 'cancel' | 'drain';

export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';
  readonly why: StopReason;
  constructor(why: StopReason) {
    super(messages[why]);
    this.why = why;
  }
}

const messages = {
  timeout: 'The time for this attempt is up.',
  cancel: 'The step was cancelled.',
  drain: 'The agent is shutting down.',
};

export type Ended =
  | { readonly outcome: Outcome; readonly crash?: unknown }
  | { readonly stopped: StopReason; readonly late: boolean };

export interface Attempt {
  /** Aborts the work, and waits for it no longer than this. The first reason stands. */
  stop(why: StopReason, withinMs: number): void;
  readonly ended: Promise<Ended>;
}

/** How long work may take to clean up after itself once its time is up. */
const cleanUpMs = 2_000;

/**
 * What comes too late to be finished, or was cancelled before it came, is not begun. The signal is made when it is asked for: most work is over
 * before anybody would.
 */
export const startAttempt = (
  run: (signal: () => AbortSignal) => Promise<Outcome>,
  timeoutMs: number,
  already: StopReason | null = timeoutMs > 0 ? null : 'timeout',
): Attempt => {
  let abort: AbortController | null = null;
  let why: StopReason | null = null;
  let patience: Timer | null = null;
  const { promise, resolve } = Promise.withResolvers<Ended>();

  const stop = (reason: StopReason, withinMs: number): void => {
    if (why) return;
    why = reason;
    patience = startTimer(withinMs, () => resolve({ stopped: reason, late: true }));
    abort?.abort(new AttemptStopped(reason));
  };
  const signal = (): AbortSignal => {
    abort ??= new AbortController();
    if (why && !abort.signal.aborted) abort.abort(new AttemptStopped(why));
    return abort.signal;
  };
  const limit = startTimer(timeoutMs, () => stop('timeout', cleanUpMs));
  // Once told to stop, what the work says no longer counts: it may have been cut off in the middle.
  const end = (ended: Ended) => resolve(why ? { stopped: why, late: false } : ended);
  if (already) resolve({ stopped: already, late: false });
  else
    void (async () => run(signal))().then(
      (outcome) => end({ outcome }),
      (error: unknown) => end(fromThrow(error)),
    );
  void promise.then(() => {
    limit.stop();
    patience?.stop();
  });
  return { stop, ended: promise };
};

const fromThrow = (error: unknown): Ended => {
  if (error instanceof Stopped) return { outcome: error.outcome };
  const message = error instanceof Error ? error.message : String(error);
  return { outcome: retry('crashed', message || 'The agent threw an error without a message.'), crash: error };
};
