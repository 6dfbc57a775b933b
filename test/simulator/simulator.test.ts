// The simulator as part of the tests: thousands of seeds find nothing, and the same seed does the same. Whether it would find anything is in
// faults.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeeds } from './pool.ts';
import type { RunResult } from './run.ts';

const seeds = Number(process.env['CAPSTAN_SIM_SEEDS'] ?? 5_000);
const progressEvery = 500;
/** On a machine that is busy with other things fewer have to do; on two idle cores all of them take less. */
const mostMs = 170_000;
const leastSeeds = 200;

function* upTo(last: number): Generator<number> {
  for (let seed = 1; seed <= last; seed += 1) yield seed;
}

const resultsOf = async (last: number, threads?: number): Promise<RunResult[]> => {
  const results: RunResult[] = [];
  await runSeeds({ seeds: upTo(last), threads, on: (result) => results.push(result) > 0 });
  return results.toSorted((a, b) => a.seed - b.seed);
};

test('the same seed does the same, in whatever thread it runs', async () => {
  const [alone, shared] = await Promise.all([resultsOf(12, 1), resultsOf(12, 2)]);
  assert.equal(alone.length, 12);
  assert.deepEqual(alone, shared);
  assert.notEqual(alone[0]?.trace, alone[1]?.trace);
});

test('a seed that stands still is named, and those after it are run all the same', async () => {
  const results: RunResult[] = [];
  await runSeeds({ seeds: upTo(7), threads: 1, patienceMs: 1, on: (result) => results.push(result) < 3 });
  assert.ok(results.length >= 3);
  assert.match(results[0]?.violations[0] ?? '', /^it stands still: not over after 0.001 s/);
  assert.equal(new Set(results.map(({ seed }) => seed)).size, results.length, 'each once');
});

test(`${seeds} seeds of chaos and healing leave nothing to complain of`, async () => {
  let [run, faults, events] = [0, 0, 0];
  const until = performance.now() + mostMs;
  const bad: string[] = [];
  await runSeeds({
    seeds: upTo(seeds),
    on: (result) => {
      run += 1;
      faults += result.faults;
      events += result.events;
      if (result.violations.length > 0) bad.push(`npm run sim -- --seed ${result.seed}\n${result.violations[0]}`);
      if (run % progressEvery === 0) process.stdout.write(`… ${run} seeds, ${events} events, ${faults} faults\n`);
      return bad.length < 5 && performance.now() < until;
    },
  });
  assert.deepEqual(bad, []);
  if (run < seeds) process.stdout.write(`… the time was over after ${run} of ${seeds} seeds\n`);
  assert.ok(run >= Math.min(seeds, leastSeeds), `only ${run} seeds`);
  // A run without weather would prove nothing.
  assert.ok(faults > run, `only ${faults} faults`);
});
