// How far a checkpoint says that orders are over: their names are let go of after it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Actor } from './actor.ts';
import type { Checkpoint, Progress } from './checkpoint.ts';
import { newOwing } from './owing.ts';
import { newStoring } from './storing.ts';
import type { World } from './world.ts';

const opened = (mayRepeat: () => boolean) => {
  const saved: Checkpoint[] = [];
  const progress = {
    checkpoint: null,
    changed: false,
    save: async (checkpoint: Checkpoint) => void saved.push(checkpoint),
  } as unknown as Progress;
  const clock = { now: () => 1_000, later: () => () => {}, every: () => () => {} };
  const storing = newStoring({
    ...{ world: { clock, keeping: { orderNameMs: 0 } } as unknown as World, number: 0, progress, mayRepeat },
    ...{ last: () => ({ seq: 9, at: 900 }), waiting: () => null, stopped: () => false },
    ...{ overtaken: assert.ifError, tooLarge: () => assert.fail(), written: () => {} },
  });
  return { storing, saved };
};

const held = (seq: number) => ({ held: 1, state: { seq } }) as Actor & { held: number };

test('the names of orders stay taken while one waits that may have left under whoever had the partition before', async () => {
  const waits = held(7);
  const owing = newOwing(8, () => true);
  owing.look(waits);
  const { storing, saved } = opened(owing.any);
  storing.ordersUpTo(40);
  await storing.save();
  waits.held = 0;
  await storing.save();
  assert.deepEqual(
    saved.map(({ seq, orders }) => [seq, orders]),
    [
      [9, 0],
      [9, 40],
    ],
  );
});

test('one that follows from what nobody decided before, or whose task is not here any more, keeps no name', () => {
  const isNew = newOwing(8, () => true);
  isNew.look(held(9));
  assert.equal(isNew.any(), false);
  const isGone = newOwing(8, () => false);
  isGone.look(held(7));
  assert.equal(isGone.any(), false);
});
