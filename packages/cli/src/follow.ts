// Follows a task until it ends: notices say when to look, task.get says what is so. Outlives restarts of NATS and of
// coordinators, for a notice may be lost and an answer may be late. What it looks like is show.ts.
import { isEnded, limits, type TaskRecord } from '@capstan/contracts';
import { getTask } from './answers.ts';
import type { Client } from './client.ts';
import { CommandError, exits } from './exit.ts';

export interface Following {
  readonly onTask: (task: TaskRecord) => void;
  /** Nobody answers just now; null once somebody does again. */
  readonly onTrouble: (trouble: string | null) => void;
  /** It was stored a moment ago: nobody answering, or knowing it yet, is an outage and no mistake. */
  readonly known?: boolean;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Without a notice it looks again after this long; in an outage, after this long. */
const restMs = 1_000;
const outageMs = 250;
/** A coordinator that was just killed is there again by then. */
const startsWithinMs = 15_000;
/** What was stored may stay unknown for as long as a coordinator needs to start again. */
const storedWithinMs = 30_000;
/** A burst of notices is one look. */
const gatherMs = 40;
/** However large a task is, it is looked at this often. */
const longestMs = 5_000;
/** What was asked of a server that died is not answered. */
const shortMs = 1_500;

export const follow = async (client: Client, taskId: string, following: Following): Promise<TaskRecord> => {
  const { signal, timeoutMs, onTask, onTrouble } = following;
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
  const look = looker(client, taskId, following.known === true);
  const bell = makeBell();
  const notices = client.bus.listen(client.names.notices('*', taskId), bell.ring);
  signal?.addEventListener('abort', bell.ring);
  let troubled = false;
  try {
    for (;;) {
      const began = Date.now();
      const seen = await look();
      const took = Date.now() - began;
      signal?.throwIfAborted();
      if ('trouble' in seen) onTrouble(seen.trouble);
      else {
        if (troubled) onTrouble(null);
        onTask(seen.task);
        if (isEnded(seen.task.status)) return seen.task;
      }
      troubled = 'trouble' in seen;
      if (Date.now() >= deadline) throw tookTooLong(taskId, timeoutMs ?? 0);
      await bell.wait(Math.min(troubled ? outageMs : restMs, deadline - Date.now()));
      // A large task takes long to fetch: spend most of the time not fetching it.
      const atLeast = troubled ? gatherMs : Math.min(longestMs, Math.max(gatherMs, 4 * took));
      await pause(Math.min(atLeast, deadline - Date.now()));
      bell.silence();
    }
  } finally {
    signal?.removeEventListener('abort', bell.ring);
    await notices.stop();
  }
};

type Seen = { readonly task: TaskRecord } | { readonly trouble: string };

/** Where nobody is found from the first look on, nobody runs; later it is an outage, and that ends. */
const looker = (client: Client, taskId: string, known: boolean) => {
  const began = Date.now();
  let seen = known;
  let patienceMs: number = limits.requestTimeoutMs;
  return async (): Promise<Seen> => {
    if (seen && !client.bus.connected()) return { trouble: `NATS is out of reach at ${client.url}.` };
    try {
      const task = await getTask(client, taskId, patienceMs);
      seen = true;
      patienceMs = shortMs;
      return { task };
    } catch (error) {
      const waited = Date.now() - began;
      if (!(seen || waited < startsWithinMs) || !isOutage(error, known && waited < storedWithinMs)) throw error;
      // Or it is a large task, which takes longer to be answered.
      patienceMs = patienceMs === shortMs ? limits.requestTimeoutMs : shortMs;
      return { trouble: (error as CommandError).message };
    }
  };
};

const isOutage = (error: unknown, forgiving: boolean): boolean =>
  error instanceof CommandError && (error.exit === exits.unavailable || (forgiving && error.exit === exits.notFound));

const tookTooLong = (taskId: string, timeoutMs: number) =>
  new CommandError(exits.timedOut, `${taskId} has not ended within ${timeoutMs} ms.`, {
    code: 'timeout',
    hint: `It goes on: \`capstan watch ${taskId}\` shows it, \`capstan why ${taskId}\` says what it waits for.`,
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** Wakes whoever waits, at once or at its next wait. */
const makeBell = () => {
  let rung = false;
  let wake = () => {};
  return {
    ring: () => {
      rung = true;
      wake();
    },
    silence: () => {
      rung = false;
    },
    wait: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        if (rung) return resolve();
        const timer = setTimeout(resolve, Math.max(0, ms));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
  };
};
