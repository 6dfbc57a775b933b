// Runs many seeds on all cores. Which thread runs a seed changes nothing: each run depends on its seed alone.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RunResult } from './run.ts';

export interface Task {
  readonly seeds: readonly number[];
}

interface Answer {
  readonly result?: RunResult;
  readonly done?: true;
}

export interface PoolOptions {
  readonly seeds: Iterable<number>;
  readonly threads?: number | undefined;
  /** The name of a planted fault. */
  readonly bug?: string | undefined;
  /** Says whether to go on. */
  readonly on: (result: RunResult) => boolean;
}

/** Resolves once all seeds were run, or `on` has had enough. */
export const runSeeds = async ({ seeds, threads = availableParallelism(), bug, on }: PoolOptions): Promise<void> => {
  const left = seeds[Symbol.iterator]();
  let enough = false;
  const next = (): number[] => {
    const some: number[] = [];
    while (!enough && some.length < atOnce) {
      const { value, done } = left.next();
      if (done) break;
      some.push(value);
    }
    return some;
  };
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(join(import.meta.dirname, 'worker.ts'), { workerData: { bug: bug ?? null } });
      const end = (): void => void worker.terminate().then(() => resolve());
      worker.on('error', reject);
      worker.on('message', ({ result, done }: Answer) => {
        if (result !== undefined && !enough && !on(result)) enough = true;
        if (enough) return end();
        if (done === undefined) return;
        const some = next();
        if (some.length === 0) return end();
        worker.postMessage({ seeds: some } satisfies Task);
      });
    });
  await Promise.all(Array.from({ length: threads }, one));
};

/** Few enough that all threads end together. */
const atOnce = 5;
