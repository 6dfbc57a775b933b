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
  /** A seed that takes longer waits for something that never comes, or goes round in circles: it is named, and the others go on. */
  readonly patienceMs?: number | undefined;
}

/** Resolves once all seeds were run, or `on` has had enough. */
export const runSeeds = async ({
  seeds,
  threads = availableParallelism(),
  bug,
  on,
  patienceMs = patienceUsualMs,
}: PoolOptions): Promise<void> => {
  const left = seeds[Symbol.iterator]();
  let enough = false;
  /** Given to a thread that did not come to them. */
  const again: number[] = [];
  const next = (): number[] => {
    const some: number[] = [];
    while (!enough && some.length < atOnce) {
      const before = again.pop();
      if (before !== undefined) {
        some.push(before);
        continue;
      }
      const { value, done } = left.next();
      if (done) break;
      some.push(value);
    }
    return some;
  };
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(join(import.meta.dirname, 'worker.ts'), { workerData: { bug: bug ?? null } });
      const due: number[] = [];
      let patience: NodeJS.Timeout | undefined;
      let isOver = false;
      const end = (): void => {
        isOver = true;
        clearTimeout(patience);
        void worker.terminate().then(() => resolve());
      };
      const watch = (): void => {
        clearTimeout(patience);
        const [seed, ...rest] = due;
        if (seed === undefined) return;
        patience = setTimeout(() => {
          isOver = true;
          if (!on(stuck(seed, patienceMs))) enough = true;
          again.push(...rest);
          void worker.terminate().then(() => (enough ? resolve() : one().then(resolve, reject)));
        }, patienceMs);
      };
      worker.on('error', reject);
      worker.on('message', ({ result, done }: Answer) => {
        if (isOver) return;
        if (result !== undefined) due.shift();
        if (result !== undefined && !enough && !on(result)) enough = true;
        if (enough) return end();
        if (done === undefined) return watch();
        const some = next();
        if (some.length === 0) return end();
        due.push(...some);
        watch();
        worker.postMessage({ seeds: some } satisfies Task);
      });
    });
  await Promise.all(Array.from({ length: threads }, one));
};

/** Few enough that all threads end together. */
const atOnce = 5;
/** Hundreds of times as long as one takes on a machine that does nothing else. */
const patienceUsualMs = 120_000;

const stuck = (seed: number, ms: number): RunResult => ({
  seed,
  violations: [`it stands still: not over after ${ms / 1_000} s of real time`],
  steps: 0,
  events: 0,
  orders: 0,
  tasks: 0,
  ended: 0,
  faults: 0,
  virtualMs: 0,
  trace: '',
});
