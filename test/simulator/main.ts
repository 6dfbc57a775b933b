// `npm run sim`: runs seeds until a number of them or a time is over, and prints what it found. `--seed N` replays one, with its trace.
import { parseArgs } from 'node:util';
import { bugs } from './bugs.ts';
import { plant } from './plant.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    quiet: { type: 'boolean', default: false },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
  },
});

if (values.bug !== undefined) {
  const bug = bugs.find(({ name }) => name === values.bug);
  if (bug === undefined)
    throw new Error(`no bug is named "${values.bug}"; there are ${bugs.map(({ name }) => name).join(', ')}`);
  plant(bug);
}
const { run } = await import('./run.ts');

if (values.seed !== undefined) {
  const result = await run(Number(values.seed), { trace: (line) => values.quiet || console.log(line) });
  console.log(JSON.stringify({ ...result, violations: undefined }));
  for (const violation of result.violations) console.log(`VIOLATION ${violation}`);
  process.exit(result.violations.length > 0 ? 1 : 0);
}

const from = Number(values.from);
const until = values.minutes === undefined ? Infinity : performance.now() + Number(values.minutes) * 60_000;
const count = values.minutes === undefined ? Number(values.seeds) : Infinity;
const total = { seeds: 0, steps: 0, events: 0, orders: 0, tasks: 0, ended: 0, faults: 0, virtualMs: 0, violations: 0 };
const begun = performance.now();
for (let seed = from; seed < from + count && performance.now() < until; seed += 1) {
  const result = await run(seed);
  total.seeds += 1;
  for (const key of ['steps', 'events', 'orders', 'tasks', 'ended', 'faults', 'virtualMs'] as const)
    total[key] += result[key];
  total.violations += result.violations.length;
  for (const violation of result.violations.slice(0, 3)) console.log(`seed ${seed}: ${violation.slice(0, 2_000)}`);
  // A planted fault is to be found, not counted.
  if (values.bug !== undefined && result.violations.length > 0) break;
}
const seconds = (performance.now() - begun) / 1_000;
console.log(
  JSON.stringify({
    ...total,
    seconds: Number(seconds.toFixed(1)),
    seedsPerSecond: Number((total.seeds / seconds).toFixed(1)),
  }),
);
process.exit(total.violations > 0 ? 1 : 0);
