// `npm run sim`: runs seeds until a number of them, of events, or a time is over, on all cores, and prints what it found. `--help` tells what there is.
import { bugs } from './bugs.ts';
import { findAll, foundBy, keepFound } from './find-all.ts';
import { help, OptionMistake, readOptions } from './options.ts';
import { plant } from './plant.ts';
import { runSeeds } from './pool.ts';
import { tableOf } from './table.ts';

const progressMs = 10_000;

const mistake = (error: unknown): never => {
  if (!(error instanceof OptionMistake)) throw error;
  console.error(`sim: ${error.message} --help tells more.`);
  process.exit(2);
};

const given = () => {
  try {
    const options = readOptions(process.argv.slice(2));
    for (const name of [...(options.only ?? []), ...(options.bug === undefined ? [] : [options.bug])])
      if (!bugs.some((bug) => bug.name === name))
        throw new OptionMistake(`No fault is named "${name}"; there are ${bugs.map((bug) => bug.name).join(', ')}.`);
    return options;
  } catch (error) {
    return mistake(error);
  }
};

const values = given();
if (values.help) {
  console.log(help);
  process.exit(0);
}
const { bug: named, threads } = values;

if (values.bugs) {
  const found = await findAll({
    threads,
    seedsMax: values.seeds ?? 2_000,
    known: values.known ? foundBy() : {},
    ...(values.only === undefined ? {} : { only: values.only }),
    say: (line) => values.quiet || console.log(line),
  });
  if (values.write) keepFound(found);
  if (!values.table) process.exit(found.some(({ seed }) => seed === null) ? 1 : 0);
}
if (values.table) {
  console.log(tableOf(foundBy()));
  process.exit(0);
}
process.exit(values.seed === undefined ? await many() : await one(values.seed));

async function one(seed: number): Promise<number> {
  const bug = bugs.find(({ name }) => name === named);
  if (bug !== undefined) plant(bug);
  const { run } = await import('./run.ts');
  const { violations, ...result } = await run(seed, { trace: (line) => values.quiet || console.log(line) });
  console.log(JSON.stringify(result));
  for (const violation of violations) console.log(`VIOLATION ${violation}`);
  return violations.length > 0 ? 1 : 0;
}

async function many(): Promise<number> {
  const { minutes, events: eventsMax, from } = values;
  const seedsMax = values.seeds ?? (minutes === undefined && eventsMax === undefined ? 200 : Infinity);
  const begun = performance.now();
  const until = begun + (minutes ?? Infinity) * 60_000;
  const total = { seeds: 0, steps: 0, events: 0, orders: 0, tasks: 0, ended: 0, faults: 0, virtualMs: 0 };
  const bad: number[] = [];
  let shown = begun;
  const mayGoOn = (): boolean => performance.now() < until && total.events < (eventsMax ?? Infinity);

  await runSeeds({
    seeds: seedsFrom(from, from + seedsMax - 1, mayGoOn),
    threads,
    bug: named,
    on: (result) => {
      total.seeds += 1;
      for (const key of ['steps', 'events', 'orders', 'tasks', 'ended', 'faults', 'virtualMs'] as const)
        total[key] += result[key];
      if (result.violations.length > 0) bad.push(result.seed);
      for (const violation of result.violations.slice(0, 3))
        console.log(`seed ${result.seed}: ${violation.slice(0, 2_000)}`);
      if (!values.quiet && performance.now() - shown > progressMs) {
        shown = performance.now();
        console.log(`… ${total.seeds} seeds, ${total.events} events, ${bad.length} with violations`);
      }
      // A planted fault is to be found, not counted.
      return named === undefined || bad.length === 0;
    },
  });
  const seconds = (performance.now() - begun) / 1_000;
  console.log(
    JSON.stringify({
      ...total,
      violations: bad.length,
      ...(bad.length > 0 ? { bad: bad.toSorted((a, b) => a - b).slice(0, 100) } : {}),
      seconds: Number(seconds.toFixed(1)),
      seedsPerSecond: Number((total.seeds / seconds).toFixed(1)),
    }),
  );
  return bad.length > 0 ? 1 : 0;
}

function* seedsFrom(first: number, last: number, mayGoOn: () => boolean): Generator<number> {
  for (let seed = first; seed <= last && mayGoOn(); seed += 1) yield seed;
}
