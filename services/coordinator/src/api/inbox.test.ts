// A decision that arrives while its task goes from one coordinator to another, which has not read as far yet as whoever asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, keyRingOf, memoryBus, newKeys } from '@capstan/bus';
import type { Intervention, TaskRecord } from '@capstan/contracts';
import { saySubmitted } from '../say-submitted.ts';
import type { World } from '../world.ts';
import type { ApiContext } from './endpoint.ts';
import { inboxEndpoints } from './inbox.ts';

const [before, asked, after] = ['2026-01-01T00:00:01.000Z', '2026-01-01T00:00:02.000Z', '2026-01-01T00:00:03.000Z'];
const item: Intervention = {
  ...{ v: 1, id: 'i1', kind: 'question', status: 'pending', task_id: 't', step_id: 'a', tenant: 'default' },
  ...{ title: 'Which one?', text: 'Which one?', requester: null, roles: [], plan_hash: 'p', input_hash: 'i' },
  ...{ created_at: asked, expires_at: null, decided_at: null, by: null, role: null, reason: null },
};

const opened = async (t: { after(act: () => void): void }) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  const ring = keyRingOf(newKeys());
  const world = {
    ...{ bus, ring, names: bus.names, partitions: 8, settings: {}, archive: { mayHaveAlone: async () => false } },
  } as unknown as World;
  await saySubmitted(world, 't', { v: 1, key: ring.current } as unknown as Parameters<typeof saySubmitted>[2]);
  await bus.store(bus.names.buckets.inbox).set({ key: 'i1', data: JSON.stringify(item), expect: 0 });
  const answer = (known: { updated_at: string; intervention?: string } | null) => {
    const task =
      known === null
        ? null
        : ({
            ...{ status: 'running', updated_at: known.updated_at },
            steps: { a: { intervention: known.intervention } },
          } as unknown as TaskRecord);
    const context = { world, tasks: { read: async () => task } } as unknown as ApiContext;
    const body = Buffer.from(JSON.stringify({ v: 1, id: 'i1', by: 'alice', value: 'this' }));
    return inboxEndpoints.find(({ verb }) => verb === 'answer')?.run(context, body);
  };
  return { answer };
};

test('whoever has not read as far as the question tells nobody that it is over', async (t) => {
  const { answer } = await opened(t);
  await assert.rejects(async () => answer(null), { code: 'unavailable' });
  await assert.rejects(async () => answer({ updated_at: before }), { code: 'unavailable' });
});

test('one that its task asks no longer is gone, and one that it asks is answered', async (t) => {
  const { answer } = await opened(t);
  await assert.rejects(async () => answer({ updated_at: after }), { code: 'gone' });
  assert.deepEqual(await answer({ updated_at: asked, intervention: 'i1' }), {
    ...{ id: 'i1', task_id: 't', step_id: 'a', status: 'answered', task_status: 'running', again: false },
  });
});
