// The simulator as part of the tests: some seeds find nothing, the same seed does the same, and faults that are planted are found.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bugs } from './bugs.ts';
import { planted } from './plant.ts';
import { run } from './run.ts';

const root = join(import.meta.dirname, '..', '..');
const seeds = 60;

test(`${seeds} seeds of chaos and healing leave nothing to complain of`, async () => {
  let faults = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const result = await run(seed);
    faults += result.faults;
    assert.deepEqual(result.violations, [], `npm run sim -- --seed ${seed}`);
  }
  // A run without weather would prove nothing.
  assert.ok(faults > seeds, `only ${faults} faults`);
});

test('a task that an event brought up is not loaded a second time when its alarm rings', async () => {
  assert.deepEqual((await run(309)).violations, []);
});

test('the same seed does the same', async () => {
  const [once, again] = [await run(7), await run(7)];
  assert.deepEqual(once, again);
  assert.notEqual((await run(8)).trace, once.trace);
});

test('every planted fault stands for a text that is in the sources', () => {
  assert.ok(bugs.length >= 30);
  assert.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length);
  for (const bug of bugs) assert.notEqual(planted(readFileSync(join(root, bug.file), 'utf8'), bug), '');
});

/** Faults of each kind that few seeds find; `npm run sim -- --bug NAME` looks for any of them. */
const quick = [
  'what-arrives-while-loading-is-dropped',
  'orders-said-anew',
  'any-report-counts',
  'approval-forgotten',
  'attempts-count-anew',
];

for (const name of quick) {
  test(`the planted fault "${name}" is found`, async () => {
    const main = join(root, 'test/simulator/main.ts');
    const code = await new Promise((resolve) => {
      execFile(process.execPath, [main, '--bug', name, '--seeds', '80'], { cwd: root }, (error) =>
        resolve(error === null ? 0 : error.code),
      );
    });
    assert.equal(code, 1, 'the simulator found nothing');
  });
}
