// All benches, in the order in which they are run. A new one is a file and a line here.
import type { Bench } from './bench.ts';
import { joining } from './scale/joining.ts';
import { long } from './scale/long.ts';
import { many } from './scale/many.ts';
import { openTasks } from './scale/open-tasks.ts';
import { recovery } from './scale/recovery.ts';
import { steps } from './scale/steps.ts';
import { workloads } from './workloads.ts';

const said: Readonly<Record<string, string>> = {
  W1: '2,000 tasks of one step, 64 at a time; 200, one at a time',
  W2: '500 chains of 10 steps, 64 at a time; 100, one at a time',
  W3: '50 times 100 steps at once, and a join',
  W4: 'one task of 1,000, of 5,000, of 50,000 steps, and a join',
};

export const benches: readonly Bench[] = [
  ...Object.entries(workloads).map(
    ([name, phases]): Bench => ({
      name,
      says: said[name] ?? '',
      usual: true,
      run: async ({ start, phase }) => {
        await using system = await start();
        for (const each of phases) await phase(system, each);
      },
    }),
  ),
  steps,
  openTasks,
  recovery,
  long,
  many,
  joining,
];
