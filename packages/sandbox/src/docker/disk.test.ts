import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextLookMs } from './disk.ts';

const seen = { usedMb: 100, grownMb: 0, elapsedMs: 1_000, tookMs: 5 };

test('what does not grow is looked at now and then; what grows, before it can be over', () => {
  assert.equal(nextLookMs(seen, 1_000), 3_000);
  assert.equal(nextLookMs({ ...seen, grownMb: -50 }, 1_000), 3_000);
  // 900 MB are left at 300 MB a second: for three seconds.
  assert.equal(nextLookMs({ ...seen, grownMb: 300 }, 1_000), 1_500);
  assert.equal(nextLookMs({ ...seen, grownMb: 900 }, 1_000), 500);
  assert.equal(nextLookMs({ ...seen, grownMb: 5_000 }, 1_000), 250);
});

test('looking takes a tenth of the time at most', () => {
  assert.equal(nextLookMs({ ...seen, grownMb: 5_000, tookMs: 400 }, 1_000), 4_000);
});
