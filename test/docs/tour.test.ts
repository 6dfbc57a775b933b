// The tour as its reader types it: every command of docs/tour.md is run, in order, against a system that was started as the tour says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withGuide } from './guide.ts';

test('the tour works as typed', { timeout: 240_000 }, (t) =>
  withGuide(async ({ page, withoutNats }) => {
    if (withoutNats !== null)
      t.diagnostic(`SKIPPED: the lines of the tour that use the nats command, since ${withoutNats}`);
    const blocks = await page('tour.md');
    assert.ok(blocks.length >= 8, `the tour has ${blocks.length} blocks`);
  }),
);
