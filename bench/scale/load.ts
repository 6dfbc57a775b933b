// Load from a client that relies on nothing: what is unheard it says again under its id, and looks after it.
import type { TaskRecord } from '@capstan/contracts';
import type { BenchClient } from '../client.ts';
import { bodyOf, mustBeRight, type Shape } from '../shapes.ts';

/** A client that hears nothing asks again. */
const unheardMs = 3_000;
const patienceMs = 120_000;

/** So many tasks at a time, until it is stopped. */
export const startLoad = (client: BenchClient, shape: Shape, width: number) => {
  const body = bodyOf(shape);
  const ends: number[] = [];
  let [stopped, longest, said] = [false, 0, 0];
  const lane = async () => {
    while (!stopped) {
      const from = performance.now();
      said += await runPatiently(client, shape, body);
      ends.push(performance.now());
      longest = Math.max(longest, performance.now() - from);
    }
  };
  const all = Promise.all(Array.from({ length: width }, lane));
  all.catch(() => {});
  return {
    endedBetween: (from: number, to: number) => ends.filter((at) => at >= from && at < to).length,
    stop: async () => {
      stopped = true;
      await all;
      return { tasks: ends.length, longest, said };
    },
  };
};

/** Gives how often it had to ask again. */
const runPatiently = async (client: BenchClient, shape: Shape, body: string): Promise<number> => {
  const id = client.newId();
  const ended = client.ended(id);
  let taken = false;
  let again = 0;
  const submit = () =>
    void client.submit(id, body).then(
      () => (taken = true),
      () => {},
    );
  submit();
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; again += 1) {
    const heard = await Promise.race([ended, unheard()]);
    const found = heard ?? (await look(client, id));
    if (!taken) submit();
    if (found === null) continue;
    mustBeRight(shape, found);
    return again;
  }
  throw new Error(
    `The task ${id} has not ended within ${patienceMs / 1_000} s: ${taken ? 'it was taken' : 'nobody took it'}.`,
  );
};

const look = async (client: BenchClient, id: string): Promise<TaskRecord | null> => {
  try {
    const task = await client.ask<TaskRecord>('task', 'get', { task_id: id }, unheardMs);
    return task.finished_at === null ? null : task;
  } catch {
    return null;
  }
};

const unheard = (): Promise<null> => new Promise((resolve) => setTimeout(resolve, unheardMs, null));
