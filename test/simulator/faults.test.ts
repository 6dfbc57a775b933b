// Every planted fault is found: a simulator that complains of nothing could also be a blind one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { bugs } from './bugs.ts';
import { find, foundBy } from './find-all.ts';
import { planted } from './plant.ts';
import { tableOf } from './table.ts';

const root = join(import.meta.dirname, '..', '..');
/** More would take too long where the seeds that are known find it no longer. */
const seedsMax = 2_500;

test('every planted fault stands for a text that is in the sources', () => {
  assert.ok(bugs.length >= 30);
  assert.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length);
  for (const bug of bugs) assert.notEqual(planted(readFileSync(join(root, bug.file), 'utf8'), bug), '');
});

const known = foundBy();

test('the documentation lists them', () => {
  const text = readFileSync(join(root, 'docs/simulator.md'), 'utf8');
  assert.ok(text.includes(tableOf(known)), 'npm run sim -- --table prints what docs/simulator.md should hold');
});

describe('planted faults', { concurrency: availableParallelism() }, () => {
  for (const bug of bugs) {
    test(`"${bug.name}" is found`, async () => {
      const { seed, tried } = await find(bug, { seedsMax, known, say: () => {} });
      assert.notEqual(seed, null, `${tried} seeds found nothing: ${bug.harm}`);
    });
  }
});
