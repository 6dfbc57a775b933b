// Each other kind of trouble once, and shortly: two owners of everything, a frozen coordinator and executor, forged events, a cluster without its
// leader, a full disk, a log that was rolled back.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newCounts } from './counts.ts';
import { scenarios } from './scenarios/index.ts';

/** The first two have files of their own; an outage takes longer than there is time for: `npm run chaos -- --only outage`. */
const ownFiles = ['storm', 'points', 'outage'];

describe('nothing is lost, and nothing counts twice', { concurrency: 3 }, () => {
  for (const { name, run } of scenarios.filter((one) => !ownFiles.includes(one.name)))
    test(name, async (t) => {
      const { violations, skipped } = await run({ counts: newCounts(), seed: 1, seconds: 10 });
      assert.deepEqual(violations, []);
      if (skipped !== undefined) t.skip(`SKIPPED: ${skipped}`);
    });
});
