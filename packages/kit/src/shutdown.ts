// How a process ends: the first SIGINT or SIGTERM drains it once, within a limit; a second one ends it at once.
import type { Logger } from './log.ts';
import { startTimer } from './timer.ts';

export interface Shutdown {
  /** Aborted as soon as the process is told to stop. */
  readonly signal: AbortSignal;
  /** What to do then, the last registered first. Failing or lingering does not keep the others from their turn. */
  onDrain(name: string, drain: () => Promise<void> | void): void;
  /** The same as a first signal; `code` is the exit code once drained. */
  stop(code?: number): Promise<void>;
}

export interface ShutdownOptions {
  readonly log: Logger;
  readonly drainMs: number;
  readonly exit?: (code: number) => void;
  /** Where signals come from. */
  readonly from?: Pick<NodeJS.Process, 'on'>;
  /** Milliseconds since whenever. */
  readonly now?: () => number;
  /** A supervisor (`capstan up`) holds the other end of this process's IPC channel, and says when to stop. */
  readonly supervised?: boolean;
}

const signals = { SIGINT: 2, SIGTERM: 15 } as const;

export const newShutdown = ({
  log,
  drainMs,
  exit = process.exit,
  from = process,
  now = () => performance.now(),
  supervised = process.env['CAPSTAN_SUPERVISED'] === '1' && process.channel !== undefined,
}: ShutdownOptions): Shutdown => {
  const told = new AbortController();
  const drains: { name: string; drain: () => Promise<void> | void }[] = [];
  let ending: Promise<void> | null = null;
  let toldAt = 0;

  const end = async (code: number): Promise<void> => {
    told.abort();
    let late = false;
    // A little above the limit, so that work which keeps to it is never cut off here.
    const limit = startTimer(drainMs + graceMs, () => {
      late = true;
      log.error({ drainMs }, 'Not drained within the limit; ending anyway. What was unfinished is delivered again.');
      exit(code || 1);
    });
    for (const { name, drain } of drains.toReversed()) {
      if (late) return;
      try {
        await drain();
      } catch (error) {
        log.error({ error, part: name }, 'A part of the process could not be drained.');
      }
    }
    limit.stop();
    if (!late) exit(code);
  };
  const stop = (code = 0): Promise<void> => (ending ??= end(code));

  if (supervised) {
    // A supervisor that was killed can tell nobody: its end of the channel closes, and nothing may be left running.
    from.on('disconnect', () => {
      if (!ending) log.warn({ drainMs }, 'The supervisor is gone; draining.');
      void stop();
    });
  }
  for (const [signal, number] of Object.entries(signals)) {
    from.on(signal as NodeJS.Signals, () => {
      // Ctrl-C reaches the whole process group at once, but agents drain before coordinators: wait for the supervisor's SIGTERM.
      if (supervised && signal === 'SIGINT') return;
      if (ending) {
        // A signal to the whole process group is often passed on by whoever got it too: that is the first one, not a second.
        if (now() - toldAt < sameSignalMs) return;
        log.warn({ signal }, 'Told to stop again; ending at once.');
        exit(128 + number);
        return;
      }
      toldAt = now();
      log.info({ signal, drainMs }, 'Told to stop; draining.');
      void stop();
    });
  }
  return { signal: told.signal, onDrain: (name, drain) => void drains.push({ name, drain }), stop };
};

const graceMs = 2_000;
const sameSignalMs = 500;
