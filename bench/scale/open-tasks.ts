// Whether a step costs the same beside few open tasks and beside many, and what memory an open task takes.
import type { Bench } from '../bench.ts';
import { memoryMiB } from '../cost.ts';
import { usedBytes } from '../inspector.ts';
import { type Figures, round } from '../measure.ts';
import { calm } from '../streams.ts';
import type { System } from '../system.ts';
import { fillTo } from './fill.ts';

const few = 100;

export const openTasks: Bench = {
  name: 'OPEN',
  says: 'the cost of a step beside 100 to 100,000 open tasks, and the memory that one takes',
  usual: false,
  run: async ({ options, start, phase, say }) => {
    const most = Math.min(options.open, options.most);
    const levels = [few, 1_000, 10_000, 100_000].filter((level) => level < most);
    await using system = await start({ inspect: true });
    const { shape, count, concurrency } = { shape: { kind: 'single' } as const, count: 10_000, concurrency: 64 };
    // As many as are measured, so that the first is no colder than the others.
    await phase(system, { shape, count, concurrency });
    const memory = async () => ({
      coordinator: await usedBytes(system, 'coordinator'),
      'nats-server': memoryMiB(system.processes.get('nats-server')?.pid ?? 0) * 1_024 * 1_024,
    });
    const empty = await memory();
    const ids: string[] = [];
    let first: Figures | null = null;
    for (const level of [...levels, most]) {
      const from = performance.now();
      await fillTo(system, ids, level);
      await calm(system.client);
      const seconds = round((performance.now() - from) / 1_000, 1);
      const filled = await memory();
      const figures = await phase(
        system,
        { id: 'OPEN', shape, count, concurrency },
        { open: level, filled_in_s: seconds },
      );
      first ??= figures;
      say({ bench: 'OPEN-doors', open: level, ms: await doors(system, ids[0] ?? '') });
      if (figures === null || first === null) continue;
      say({
        bench: 'OPEN-to-first',
        open: level,
        cpu: round((figures.cpu_s_per_1000_steps['total'] ?? 0) / (first.cpu_s_per_1000_steps['total'] ?? 1), 2),
        time: round(first.steps_per_s / figures.steps_per_s, 2),
        bytes_per_open_task: {
          // Of the heap, after a collection.
          coordinator: round((filled.coordinator - empty.coordinator) / level, 0),
          // Resident, so that it also has what the server keeps in reserve.
          'nats-server': round((filled['nats-server'] - empty['nats-server']) / level, 0),
        },
      });
    }
  },
};

/** How long a person waits who looks at one task, and at the first of all. */
const doors = async ({ client }: System, id: string): Promise<Record<string, number>> => {
  const timed = async (noun: string, verb: string, body: object) => {
    const from = performance.now();
    await client.ask(noun, verb, body);
    return round(performance.now() - from, 1);
  };
  return {
    'task.get': await timed('task', 'get', { task_id: id }),
    'task.list': await timed('task', 'list', { limit: 20 }),
    'inbox.list': await timed('inbox', 'list', { limit: 20 }),
  };
};
