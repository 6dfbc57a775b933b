// Keeps one process running: starts it, starts it again when it dies, later each time, and stops it when told to.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Register } from './leftovers.ts';
import type { LogFile } from './log-file.ts';
import { heard, limiter } from './log-line.ts';
import type { Say } from './say.ts';

export interface Kept {
  readonly name: string;
  /** Told to stop once, it is not started again. Resolves to whether it ended by itself in time; otherwise it was killed. */
  stop(withinMs: number): Promise<boolean>;
  /** Ends it at once. */
  kill(): void;
}

export interface Keeping {
  readonly name: string;
  readonly start: () => ChildProcess;
  /** It leads a process group, which is what signals go to. */
  readonly group: boolean;
  readonly log: LogFile;
  readonly register: Register;
  readonly say: Say;
  /** While everything starts, the services wait for each other; that is worth no line, unless it is an error. */
  readonly isQuiet: () => boolean;
  /** Before it is said that it ended: may know better why, or decide that it must not be started again. */
  readonly onEnd?: (end: End) => void;
}

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last that it said and that people should see. */
  readonly last: string;
}

const lastWordsMs = 300;
const firstDelayMs = 200;
const longestDelayMs = 30_000;
/** Having run for so long, what it dies of next is something new. */
const settledMs = 30_000;

export const keepRunning = (keeping: Keeping): Kept => {
  const { name, say, register, log } = keeping;
  let child: ChildProcess | null = null;
  let ended = Promise.resolve();
  let stopping = false;
  let delayMs = firstDelayMs;
  let timer: NodeJS.Timeout | undefined;
  let last = '';
  const allows = limiter(20, 10_000);

  const hear = (line: string) => {
    log.write(line);
    const worth = heard(line);
    if (!worth) return;
    last = worth.text;
    if (worth.refusal || (worth.level === 'warn' && keeping.isQuiet())) return;
    const { show, held } = allows();
    if (held > 0) say.remark('log', { service: name, held }, `${name}: ${held} more lines are in its log.`, 'warn');
    if (show) say.remark('log', { service: name, message: worth.text }, `${name}: ${worth.text}`, worth.level);
  };

  const start = () => {
    const began = Date.now();
    const started = keeping.start();
    child = started;
    if (started.pid !== undefined) {
      register.add(name, started.pid, keeping.group);
      say.note('started', { service: name, pid: started.pid });
    }
    for (const stream of [started.stdout, started.stderr])
      if (stream) createInterface({ input: stream }).on('line', hear);
    ended = new Promise((resolve) => {
      started.once('error', (error) => {
        hear(`It could not be started: ${error.message}`);
        if (started.pid === undefined) over(null, null);
      });
      started.once('exit', (code, signal) => {
        // Its last words may still be in the pipe; whoever else holds that pipe must not keep it from being started again.
        const late = setTimeout(() => over(code, signal), lastWordsMs);
        started.once('close', () => {
          clearTimeout(late);
          over(code, signal);
        });
      });
      const over = (code: number | null, signal: NodeJS.Signals | null) => {
        if (child !== started) return;
        child = null;
        if (started.pid !== undefined) register.remove(started.pid);
        resolve();
        if (stopping) return;
        if (Date.now() - began >= settledMs) delayMs = firstDelayMs;
        keeping.onEnd?.({ code, signal, last });
        if (stopping) return;
        const how = signal ? `was ended by ${signal}` : `ended with ${code}${code === 2 ? ` (${last})` : ''}`;
        say.remark(
          'ended',
          { service: name, pid: started.pid, code, signal, again_in_ms: delayMs },
          `${name} ${how}; starting it again in ${delayMs / 1_000} s.`,
          'warn',
        );
        timer = setTimeout(start, delayMs);
        delayMs = Math.min(longestDelayMs, delayMs * 2);
      };
    });
  };

  const send = (signal: NodeJS.Signals) => {
    if (child?.pid === undefined) return;
    try {
      process.kill(keeping.group ? -child.pid : child.pid, signal);
    } catch {
      // It ended in between.
    }
  };

  start();
  return {
    name,
    stop: async (withinMs) => {
      stopping = true;
      clearTimeout(timer);
      send('SIGTERM');
      let late = false;
      const killing = setTimeout(() => {
        late = true;
        send('SIGKILL');
      }, withinMs);
      await ended;
      clearTimeout(killing);
      return !late;
    },
    kill: () => {
      stopping = true;
      clearTimeout(timer);
      send('SIGKILL');
    },
  };
};
