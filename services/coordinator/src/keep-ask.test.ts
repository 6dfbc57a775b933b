// What is asked may be put into the inbox late: after its answer, after its task went to the archive, after another task of that id was forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, memoryBus, textOf } from '@capstan/bus';
import type { Intervention } from '@capstan/contracts';
import { keepAsk } from './keep-ask.ts';
import type { World } from './world.ts';

const asked = { id: 'i1', task_id: 't', status: 'pending', title: 'Which one?' } as unknown as Intervention;
const answered = { ...asked, status: 'answered', by: 'alice' } as Intervention;

const opened = (t: { after(act: () => void): void }) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  const archived = new Set<string>();
  const archive = { holds: async (task: string) => archived.has(task) };
  const world = { bus, names: bus.names, archive } as unknown as World;
  const store = bus.store(bus.names.buckets.inbox);
  return {
    archived,
    keep: (item: Intervention) => keepAsk(world, item),
    /** As the archive leaves it once all of the task is in there. */
    sweep: async () => {
      const present = await store.get('i1');
      await store.set({ key: 'i1', data: '', expect: present?.revision ?? 0, gone: true });
    },
    stored: async (): Promise<Intervention | null> => {
      const entry = await store.get('i1');
      return entry === null || entry.gone ? null : (JSON.parse(textOf(entry.data)) as Intervention);
    },
  };
};

test('what is asked is there, and asked again changes nothing, even after the answer', async (t) => {
  const { keep, stored } = opened(t);
  await keep(asked);
  assert.deepEqual(await stored(), asked);
  await keep(answered);
  await keep(asked);
  assert.deepEqual(await stored(), answered);
});

test('what is decided keeps whatever else is there, and is there where nothing was', async (t) => {
  const { keep, stored } = opened(t);
  await keep({ ...asked, schema: { type: 'string' } } as Intervention);
  await keep(answered);
  assert.deepEqual(await stored(), { ...answered, schema: { type: 'string' } });
  const other = opened(t);
  await other.keep(answered);
  assert.deepEqual(await other.stored(), answered);
});

test('once its task is in the archive nothing of it rises again, whoever says it late', async (t) => {
  const { keep, sweep, archived, stored } = opened(t);
  await keep(asked);
  archived.add('t');
  await sweep();
  await keep(asked);
  assert.equal(await stored(), null);
  await keep(answered);
  assert.equal(await stored(), null);
});

test('a task of an id that was forgotten long ago can be asked for what the former was', async (t) => {
  const { keep, sweep, stored } = opened(t);
  await keep(asked);
  await sweep();
  await keep(asked);
  assert.deepEqual(await stored(), asked);
});
