// Events that are tried one at a time, since nobody who tried them together got any further.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, memoryBus } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import { openCaution } from './caution.ts';
import type { Heard } from './hear.ts';
import type { World } from './world.ts';

const heard = (seq: number) => ({ task: `t${seq}`, message: { seq, at: seq } }) as unknown as Heard;

test('only what was there before is tried by itself: what comes meanwhile goes on as fast as ever, in order', async (t) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  const store = bus.store(bus.names.buckets.tasks);
  for (const task of ['t1', 't2']) await bus.once({ subject: bus.names.event(0, task, 'submitted', 'x'), data: '{}' });
  const starts = { checkpoint: 0, starts: limits.startsWithoutProgressMax, trying: null };
  await store.set({ key: '_starts.0', data: JSON.stringify(starts), expect: 0 });
  let marks = 0;
  const world = {
    ...{ names: bus.names, membership: { term: 0 }, fatal: assert.ifError },
    log: { info: () => {}, warn: () => {}, error: () => {} },
    bus: {
      ...bus,
      store: () => ({
        ...store,
        set: (...[change]: Parameters<typeof store.set>) => {
          marks += 1;
          return store.set(change);
        },
      }),
    },
  } as unknown as World;

  const delivered: number[] = [];
  const over = Promise.withResolvers<void>();
  const caution = await openCaution(world, 0, {
    ...{ checkpoint: 0, isStart: true, leaveOut: () => {}, done: over.resolve },
    deliver: async ({ message: { seq } }) => {
      delivered.push(seq);
      // Work brings more work, and faster than it is tried.
      if (seq === 1) for (const next of [3, 4, 5, 6]) assert.ok(caution.takes(heard(next)));
    },
  });
  const before = marks;
  assert.ok(caution.takes(heard(1)));
  assert.ok(caution.takes(heard(2)));
  assert.deepEqual(caution.uncovered()?.seq, 1);
  await over.promise;
  assert.deepEqual(delivered, [1, 2, 3, 4, 5, 6]);
  assert.equal(marks - before, 4, 'one before and one after each that was there');
  assert.equal(caution.uncovered(), null);
  assert.equal(caution.takes(heard(7)), false);
});
