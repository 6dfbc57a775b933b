// Whether a step costs the same after many tasks have ended, and whether the services keep anything of those.
import type { Bench } from '../bench.ts';
import { memoryMiB } from '../cost.ts';
import { usedBytes } from '../inspector.ts';
import { round } from '../measure.ts';

const parts = 5;

export const long: Bench = {
  name: 'LONG',
  says: '100,000 tasks of one step, in fifths: whether anything grows',
  usual: false,
  run: async ({ options, start, phase, say }) => {
    await using system = await start({ inspect: true });
    const shape = { kind: 'single' } as const;
    await phase(system, { shape, count: 2_000, concurrency: 64 });
    for (let part = 1; part <= parts; part += 1) {
      await phase(system, { id: `LONG-${part}`, shape, count: Math.ceil(options.open / parts), concurrency: 64 });
      const { pid = 0 } = system.processes.get('nats-server') ?? {};
      const used = async (name: string) => round((await usedBytes(system, name)) / 1_024 / 1_024, 1);
      say({
        bench: 'LONG-memory',
        tasks: Math.min(options.most, Math.ceil(options.open / parts)) * part,
        // Of the heap, after a collection; of the server what is resident.
        mib: {
          coordinator: await used('coordinator'),
          executor: await used('executor'),
          'nats-server': round(memoryMiB(pid), 1),
        },
      });
    }
  },
};
