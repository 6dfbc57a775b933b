// Whoever takes a partition over claims it before it reads anything: from then on its former owner changes nothing that goes with the checkpoint.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, memoryBus, textOf } from '@capstan/bus';
import { type Checkpoint, loadProgress } from './checkpoint.ts';
import { realClock } from './clock.ts';
import { Overtaken } from './overtaken.ts';
import { newCounts, type World } from './world.ts';

const silent = () => {};

const opened = (t: { after(act: () => void): void }) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  let ids = 0;
  const world = {
    ...{ bus, names: bus.names, clock: realClock, counts: newCounts(), newId: () => `${(ids += 1)}` },
    log: { info: silent, warn: silent, error: silent },
  } as unknown as World;
  const store = bus.store(bus.names.buckets.tasks);
  return { store, owner: () => loadProgress(world, 0) };
};

const at = (seq: number): Checkpoint => ({ seq, at: seq });

test('who was frozen as he archived, and wakes up after somebody took over, archives nothing', async (t) => {
  const { store, owner } = opened(t);
  const first = await owner();
  await first.save(at(7));
  const task = await store.set({ key: 'old', data: 'as it failed', expect: 0 });
  const second = await owner();
  // The next owner has heard of a retry by now, and stored nothing yet.
  assert.equal(second.checkpoint?.seq, 7);
  await assert.rejects(first.saveWith([{ key: 'old', data: '', expect: task, gone: true }]), Overtaken);
  assert.equal(textOf((await store.get('old'))?.data ?? Buffer.of()), 'as it failed');
  assert.equal((await second.saveWith([{ key: 'old', data: '', expect: task, gone: true }]))?.length, 1);
});

test('the same where nothing was stored before either of them', async (t) => {
  const { owner } = opened(t);
  const [first, second] = [await owner(), await owner()];
  await assert.rejects(first.save(at(1)), Overtaken);
  await second.save(at(1));
});

test('of several that claim at the same time one holds it, and the others know', async (t) => {
  const { owner } = opened(t);
  const all = await Promise.all(Array.from({ length: 5 }, owner));
  const saved = await Promise.allSettled(all.map((one) => one.save(at(1))));
  assert.equal(saved.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('what is over leaves the list of what is open with whatever goes with the checkpoint', async (t) => {
  const { owner } = opened(t);
  const first = await owner();
  const task = { id: 'old', first: 1 };
  const state = { status: 'running', errands: 0, createdAt: 1, at: 1, finishedAt: null, request: {}, timers: [] };
  const as = (status: string) => ({ ...state, steps: { pages: [] }, status }) as never;
  first.covered(task, as('running'), false);
  await first.save(at(1));
  first.covered(task, as('failed'), false);
  assert.deepEqual(await first.saveWith([]), []);
  assert.deepEqual([...(await owner()).open.keys()], []);
  const second = await owner();
  second.covered(task, as('running'), false);
  await second.save(at(2));
  second.gone('old');
  await second.save(at(3));
  assert.deepEqual([...(await owner()).open.keys()], []);
});
