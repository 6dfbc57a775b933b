// What is read of a partition, and in which order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, memoryBus } from '@capstan/bus';
import { checkpointKey } from './checkpoint.ts';
import { realClock } from './clock.ts';
import type { PartitionParts } from './owned.ts';
import { openPartition } from './partition.ts';
import { newCounts } from './world.ts';

test('nothing is read before the partition is claimed: what a checkpoint has passed must not be older than it', async (t) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  const calls: string[] = [];
  const noted = (bucket: string) => {
    const store = bus.store(bucket);
    return {
      ...store,
      get: (key: string) => (calls.push(`get ${key}`), store.get(key)),
      keys: (pattern: string) => (calls.push(`keys ${pattern}`), store.keys(pattern)),
      set: async (...[change]: Parameters<typeof store.set>) => {
        const revision = await store.set(change);
        calls.push(`set ${change.key}`);
        return revision;
      },
    };
  };
  const world = {
    ...{ bus: { ...bus, store: noted }, names: bus.names, clock: realClock, counts: newCounts(), newId: () => 'one' },
    ...{ partitions: 4, membership: { term: 0 }, archive: {}, settings: {}, keeping: {} },
    log: { info: () => {}, warn: () => {}, error: () => {} },
  };
  const parts = { world, turnstile: {}, isStart: true, knownUpTo: 0, overtaken: assert.ifError };
  const partition = await openPartition(parts as unknown as PartitionParts, 2);
  partition.stop();

  const claimed = calls.indexOf(`set ${checkpointKey(2)}`);
  assert.ok(claimed > 0);
  const before = calls.slice(0, claimed).filter((call) => !/ _(checkpoint|open|list)/.test(call));
  assert.deepEqual(before, []);
  assert.match(calls.slice(claimed).join('\n'), /keys _actor\.\*\.2\.\*/);
  assert.match(calls.slice(claimed).join('\n'), /quarantine/);
});
