// What is run: phases of so many tasks of one shape, so many of them in flight. The same as beside the peers, and 50,000 steps more.
import type { Shape } from './shapes.ts';

export interface Phase {
  /** Absent where nothing is reported: code gets warm, queues are made. */
  readonly id?: string;
  readonly shape: Shape;
  readonly count: number;
  readonly concurrency: number;
}

const single: Shape = { kind: 'single' };
const chain: Shape = { kind: 'chain', n: 10 };
const fan = (n: number): Shape => ({ kind: 'fan', n });

export const workloads: Readonly<Record<string, readonly Phase[]>> = {
  W1: [
    { shape: single, count: 300, concurrency: 64 },
    { id: 'W1-c64', shape: single, count: 2_000, concurrency: 64 },
    { shape: single, count: 20, concurrency: 1 },
    { id: 'W1-c1', shape: single, count: 200, concurrency: 1 },
  ],
  W2: [
    { shape: chain, count: 40, concurrency: 64 },
    { id: 'W2-c64', shape: chain, count: 500, concurrency: 64 },
    { shape: chain, count: 5, concurrency: 1 },
    { id: 'W2-c1', shape: chain, count: 100, concurrency: 1 },
  ],
  W3: [
    { shape: fan(100), count: 4, concurrency: 4 },
    { id: 'W3', shape: fan(100), count: 50, concurrency: 64 },
  ],
  W4: [
    { shape: fan(300), count: 2, concurrency: 1 },
    { id: 'W4-1000', shape: fan(1_000), count: 2, concurrency: 1 },
    { id: 'W4-5000', shape: fan(5_000), count: 1, concurrency: 1 },
    { id: 'W4-50000', shape: fan(50_000), count: 1, concurrency: 1 },
  ],
};

/** A phase with fewer tasks, and no family larger than that: for seeing that all of it works. */
export const cut = (phase: Phase, most: number): Phase => ({
  ...phase,
  count: Math.min(phase.count, most),
  shape: phase.shape.kind === 'single' ? phase.shape : { ...phase.shape, n: Math.min(phase.shape.n, most) },
});
