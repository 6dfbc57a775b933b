// The simulator as part of the tests: thousands of seeds find nothing, and the same seed does the same. Whether it would find anything is in
// faults.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeeds } from './pool.ts';
import type { RunResult } from './run.ts';

const seeds = Number(process.env['CAPSTAN_SIM_SEEDS'] ?? 5_000);
const progressEvery = 500;

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

test(`${seeds} seeds of chaos and healing leave nothing to complain of`, async () => {
  let [run, faults, events] = [0, 0, 0];
  const bad: string[] = [];
  await runSeeds({
    seeds: upTo(seeds),
    on: (result) => {
      run += 1;
      faults += result.faults;
      events += result.events;
      if (result.violations.length > 0) bad.push(`npm run sim -- --seed ${result.seed}\n${result.violations[0]}`);
      if (run % progressEvery === 0) process.stdout.write(`… ${run} seeds, ${events} events, ${faults} faults\n`);
      return bad.length < 5;
    },
  });
  assert.deepEqual(bad, []);
  assert.equal(run, seeds);
  // A run without weather would prove nothing.
  assert.ok(faults > seeds, `only ${faults} faults`);
});
