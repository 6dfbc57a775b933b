// A report that comes too late, just as its task is to go to the archive: the task stays until that is stored, and no longer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, keyRingOf, memoryBus, newKeys, partitionOf } from '@capstan/bus';
import type { Arrivals } from '../arrivals.ts';
import { loadProgress } from '../checkpoint.ts';
import { defaultKeeping } from '../keeping.ts';
import { saySubmitted } from '../say-submitted.ts';
import { sayEvent } from '../say.ts';
import { newCounts, type World } from '../world.ts';
import { newArchiving } from './archiving.ts';

const id = 't';
const day = 86_400_000;

test('what was said a moment ago keeps a task from the archive for a while, and not until it has another owner', async (t) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  const ring = keyRingOf(newKeys());
  let now = 100 * day;
  let ids = 0;
  const silent = () => {};
  const world = {
    ...{ bus, ring, names: bus.names, partitions: 8, counts: newCounts(), newId: () => `${(ids += 1)}` },
    ...{ membership: { term: 0, isFresh: () => true }, archive: { mayHaveAlone: async () => false } },
    ...{ keeping: { ...defaultKeeping, tasksMs: day }, log: { info: silent, warn: silent, error: silent } },
    clock: { now: () => now, later: () => () => {}, every: () => () => {} },
  } as unknown as World;

  const number = partitionOf(id, world.partitions);
  const progress = await loadProgress(world, number);
  const began = await saySubmitted(world, id, { v: 1, key: ring.current } as unknown as Parameters<
    typeof saySubmitted
  >[2]);
  const late = await sayEvent(world, id, ring.current, ['report', 'q', 'a', 1], { v: 1 });
  const store = bus.store(bus.names.buckets.tasks);
  const keep = async (seq: number) => {
    const time = new Date(day).toISOString();
    const head = { task_id: id, status: 'failed', seq, steps: {}, interventions: [], engine: { errands: 0 } };
    const times = { created_at: time, updated_at: time, finished_at: time };
    await store.set({ key: id, data: JSON.stringify({ ...head, ...times }), expect: null });
  };
  await keep(began.seq);
  progress.lists.tasks.put({ id, created: day, group: 'default failed', first: began.seq, ended: day });
  await progress.save({ seq: late.seq, at: now });
  const archive = newArchiving({
    ...{ world, number, progress, stopped: () => false, isNeeded: () => false },
    arrivals: { keepBack: (_: string, work: () => Promise<void>) => void work() } as unknown as Arrivals,
  });

  assert.equal(await archive(), 0);
  await keep(late.seq);
  now += 60_000;
  assert.equal(await archive(), 1);
  assert.equal((await store.get(id))?.gone ?? true, true);
});
