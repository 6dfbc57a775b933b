// Whether a step costs the same in a small task and in a large one.
import type { Bench } from '../bench.ts';
import { round } from '../measure.ts';

export const steps: Bench = {
  name: 'STEPS',
  says: 'the cost of a step in tasks of 1,000 to 50,000 steps',
  usual: false,
  run: async ({ start, phase, say }) => {
    const sizes = [1_000, 5_000, 10_000, 50_000];
    const found: { readonly n: number; readonly cpu: number; readonly perSecond: number }[] = [];
    for (const n of sizes) {
      // A fresh one for each: what the last left in the streams is no part of this.
      await using system = await start();
      await phase(system, { shape: { kind: 'fan', n: 1_000 }, count: 2, concurrency: 1 });
      // As many steps altogether, so that each figure rests on as much.
      const count = 50_000 / n;
      const figures = await phase(system, { id: `STEPS-${n}`, shape: { kind: 'fan', n }, count, concurrency: 1 });
      found.push({ n, cpu: figures?.cpu_s_per_1000_steps['total'] ?? 0, perSecond: figures?.steps_per_s ?? 0 });
    }
    const [first] = found;
    if (first === undefined) return;
    for (const { n, cpu, perSecond } of found.slice(1))
      say({
        bench: `STEPS-${n}-to-${first.n}`,
        cpu: round(cpu / first.cpu, 2),
        time: round(first.perSecond / perSecond, 2),
      });
  },
};
