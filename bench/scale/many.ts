// 1, 2 and 4 coordinators and executors: the same results, and what comes of it.
import type { Bench } from '../bench.ts';
import type { Phase } from '../workloads.ts';

const phases: readonly Phase[] = [
  { shape: { kind: 'single' }, count: 500, concurrency: 64 },
  { id: 'MANY-W1', shape: { kind: 'single' }, count: 4_000, concurrency: 64 },
  { id: 'MANY-W2', shape: { kind: 'chain', n: 10 }, count: 500, concurrency: 64 },
  { id: 'MANY-W3', shape: { kind: 'fan', n: 100 }, count: 50, concurrency: 50 },
];

export const many: Bench = {
  name: 'MANY',
  says: '1, 2 and 4 coordinators and executors',
  usual: false,
  run: async ({ start, phase }) => {
    for (const count of [1, 2, 4]) {
      await using system = await start({ coordinators: count, executors: count });
      for (const each of phases) await phase(system, each);
    }
  },
};
