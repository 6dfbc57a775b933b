// The short form of what `npm run chaos` does for as long as one likes: each process dies once at each of its points.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newCounts } from './counts.ts';
import { points } from './scenarios/points.ts';

test('nothing is lost, and nothing counts twice, wherever a coordinator or an executor dies', async () => {
  const counts = newCounts();
  const { violations } = await points.run({ counts, seed: 1, seconds: 0 });
  assert.deepEqual(violations, []);
  assert.ok(counts.named >= 23, `${counts.named} died at named points`);
});
