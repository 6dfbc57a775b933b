// A change of keys changes the names of what is said from then on, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Keys, partitionOf, textOf, withKey } from '@capstan/bus';
import { newId, startWorld } from './support/world.ts';

const body = (task_id: string) => ({
  task_id,
  plan: { steps: [{ id: 'one', capability: 'approval', title: 'Go on?' }] },
});

test('an id is taken once, whichever key was current when it was', async () => {
  await using world = await startWorld();
  const id = newId('rotated');
  assert.equal((await world.submit(body(id))).created, true);
  await world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');

  const store = world.bus.store(world.names.buckets.keys);
  const ring = await store.get('ring');
  const keys = withKey(JSON.parse(textOf(ring?.data ?? new Uint8Array())) as Keys, 'k2');
  await store.set({ key: 'ring', data: JSON.stringify({ ...keys, current: 'k2' }), expect: ring?.revision ?? 0 });
  // The newest key is in use once a new task begins under it.
  for (let at = 0; ; at += 1) {
    const other = newId('other');
    await world.submit(body(other));
    const stored = await world.bus
      .log(world.names.streams.events)
      .last(world.names.event(partitionOf(other), other, 'submitted', '*'));
    if ((JSON.parse(textOf(stored?.data ?? new Uint8Array())) as { key: string }).key === 'k2') break;
    assert.ok(at < 1_000, 'the new key is never used');
  }

  assert.equal((await world.submit(body(id))).created, false, 'the same task, told again');
  const conflict = await world.ask('task.submit', { ...body(id), title: 'Another' });
  assert.equal(conflict.error?.code, 'conflict');
  const { interventions } = await world.task(id);
  await world.api('inbox.approve', { id: interventions[0], by: 'ada' });
  assert.equal((await world.ended(id)).status, 'succeeded', 'its own key still counts');
});
