// Everything at once, for a short while: processes and the server die, and the network between them is no help.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killsOf, newCounts } from './counts.ts';
import { storm } from './scenarios/storm.ts';

test('nothing is lost, and nothing counts twice, in a storm', async () => {
  const counts = newCounts();
  const { violations } = await storm.run({ counts, seed: 1, seconds: 15 });
  assert.deepEqual(violations, []);
  const { services, server } = killsOf(counts);
  assert.ok(services >= 8 && server >= 1, `${services} services and ${server} servers were killed`);
});
