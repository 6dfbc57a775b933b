// Follows a task until it ends: notices say when to look, task.get says what is so. Outlives restarts of NATS and of
// coordinators, for a notice may be lost and an answer may be late. What it looks like is show.ts.
import { isEnded, type TaskRecord } from '@capstan/contracts';
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

/** Without a notice it looks again after this long. */
const restMs = 1_000;
/** What was stored may stay unknown for as long as a coordinator needs to start again. */
const storedWithinMs = 30_000;
/** A burst of notices is one look. */
const gatherMs = 40;

export const follow = async (client: Client, taskId: string, following: Following): Promise<TaskRecord> => {
  const deadline = following.timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + following.timeoutMs;
  const forgiving = Date.now() + storedWithinMs;
  const bell = makeBell();
  const notices = client.bus.listen(client.names.notices('*', taskId), bell.ring);
  following.signal?.addEventListener('abort', bell.ring);
  let seen = following.known === true;
  let troubled = false;
  try {
    for (;;) {
      const began = Date.now();
      const task = await getTask(client, taskId).catch((error: unknown) => {
        // A first look that finds nobody is the caller's mistake; later it is an outage that ends.
        if (!seen || !isOutage(error, following.known === true && began < forgiving)) throw error;
        following.onTrouble((error as CommandError).message);
        troubled = true;
        return null;
      });
      following.signal?.throwIfAborted();
      if (task) {
        seen = true;
        if (troubled) following.onTrouble(null);
        troubled = false;
        following.onTask(task);
        if (isEnded(task.status)) return task;
      }
      if (Date.now() >= deadline) throw tookTooLong(taskId, following.timeoutMs ?? 0);
      // A large task takes long to fetch: spend most of the time not fetching it.
      const atLeast = Math.max(gatherMs, 4 * (Date.now() - began));
      await bell.wait(Math.min(restMs, deadline - Date.now()));
      await pause(Math.min(atLeast, deadline - Date.now()));
      bell.silence();
    }
  } finally {
    following.signal?.removeEventListener('abort', bell.ring);
    await notices.stop();
  }
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
