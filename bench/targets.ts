// What Capstan is to reach beside BullMQ of the same durability: ratios, each of the worst of the paired rounds.

export interface Target {
  /** As the lines of the peers' bench name it. */
  readonly measure: string;
  readonly says: string;
  readonly of: 'throughput' | 'cpu' | 'p50';
  /** What must be reached, and what is aimed at. More is better for throughput, less for the others. */
  readonly relaxed: readonly [must: number, aim: number];
  readonly strict: readonly [must: number, aim: number];
}

const cpu = (measure: string, strict: readonly [number, number], relaxed: readonly [number, number]): Target => ({
  measure,
  says: `${measure} processor time per step`,
  of: 'cpu',
  relaxed,
  strict,
});
const throughput = (
  measure: string,
  relaxed: readonly [number, number],
  strict: readonly [number, number],
): Target => ({
  measure,
  says: `${measure} throughput`,
  of: 'throughput',
  relaxed,
  strict,
});

export const targets: readonly Target[] = [
  throughput('W1-c64', [1.6, 2.2], [1.3, 1.6]),
  throughput('W2-c64', [2.5, 3.5], [1.6, 2]),
  throughput('W3', [2.2, 3], [2, 2.6]),
  throughput('W4-5000', [2.2, 3], [2, 2.8]),
  cpu('W1-c64', [0.8, 0.6], [0.75, 0.5]),
  cpu('W2-c64', [0.6, 0.4], [0.5, 0.35]),
  cpu('W3', [0.6, 0.4], [0.5, 0.35]),
  cpu('W4-5000', [0.6, 0.4], [0.5, 0.35]),
  { measure: 'W1-c1', says: 'W1-c1 median latency', of: 'p50', relaxed: [1.5, 1.2], strict: [1.6, 1.3] },
];
