// A list against plain sorting, over many changes, restarts and failed stores; and what it reads of what there is.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Broker, memoryBus, type Store } from '@capstan/bus';
import { inOrder, type Listed, matches, type Query } from './listed.ts';
import { type List, openList, type Row } from './list.ts';

const statuses = ['running', 'succeeded', 'failed'];
const entry = (n: number, created: number, status: string): Listed => ({
  id: `t${n}`,
  created,
  group: `${n % 7 === 0 ? '_' : ''}${n % 3 === 0 ? 'acme' : 'default'} ${status}`,
  first: n + 1,
  ended: status === 'running' ? 0 : created + 10,
});

/** Stores what is to be stored; returns what the checkpoint would have. */
const save = async (store: Store, list: List): Promise<Row[]> => {
  const { changes, kept } = await list.changes();
  const rows = JSON.parse(JSON.stringify(list.rows())) as Row[];
  for (let at = 0; at < changes.length; at += 1_000) await store.setAll(changes.slice(at, at + 1_000));
  kept();
  return rows;
};

const wanted = (all: Iterable<Listed>, query: Query): { ids: string[]; total: number } => {
  const by = inOrder(query.rising);
  const chosen = [...all].filter((one) => matches(query, one.group) && one.created >= (query.since ?? 0));
  const { behind } = query;
  const rest = chosen.filter((one) => behind === undefined || by(behind, one) < 0).toSorted(by);
  return { ids: rest.slice(0, query.limit + 1).map(({ id }) => id), total: chosen.length };
};

const queries = (all: readonly Listed[]): Query[] => {
  const some = all[Math.floor(all.length / 3)] as Listed;
  return [true, false].flatMap((rising) => [
    { rising, limit: 5 },
    { rising, limit: 10_000 },
    { rising, limit: 20, statuses: ['failed'], alone: true },
    { rising, limit: 20, tenant: 'acme', since: some.created },
    { rising, limit: 7, behind: some },
    { rising, limit: 300, statuses: ['running', 'failed'], behind: some, since: some.created - 40 },
  ]);
};

const world = (t: TestContext): { store: Store; reads: () => number } => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  const store = bus.store(bus.names.buckets.tasks);
  let reads = 0;
  return {
    store: {
      ...store,
      get: (key) => {
        reads += 1;
        return store.get(key);
      },
    },
    reads: () => reads,
  };
};

test('it finds what plain sorting finds, whatever came in which order, was stored, lost or read again', async (t) => {
  const { store } = world(t);
  let rows: Row[] = [];
  let list = await openList(store, '_list.0', rows);
  const all = new Map<string, Listed>();
  let dice = 7;
  const random = (below: number): number => (dice = (dice * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 60; round += 1) {
    for (let times = 0; times < 60; times += 1) {
      const n = random(4) === 0 ? random(all.size + 1) : all.size;
      const known = all.get(`t${n}`);
      // Most of it comes in the order of time; some is late, and much has the same time.
      const created = known?.created ?? (random(10) === 0 ? random(5_000) : 10_000 + Math.floor(n / 9));
      if (known !== undefined && random(3) === 0) {
        list.remove(known);
        all.delete(known.id);
      } else {
        const one = entry(n, created, statuses[random(3)] as string);
        list.put(one);
        all.set(one.id, one);
      }
    }
    const dies = random(3);
    if (dies === 0) {
      const { lost } = await list.changes();
      lost();
    }
    if (dies !== 2) {
      rows = await save(store, list);
      list = await openList(store, '_list.0', rows);
    }
    if (all.size > 0)
      for (const query of queries([...all.values()])) {
        const { some, total } = await list.find(query);
        assert.deepEqual({ ids: some.map(({ id }) => id), total }, wanted(all.values(), query), JSON.stringify(query));
      }
    assert.equal(
      list.count((group) => group.endsWith(' failed')),
      [...all.values()].filter(({ group }) => group.endsWith(' failed')).length,
    );
  }
  const ended = [...all.values()].filter((one) => one.ended > 0 && one.ended < 10_050);
  assert.deepEqual(
    new Set((await list.endedBefore(10_050, 10_000)).map(({ id }) => id)),
    new Set(ended.map(({ id }) => id)),
  );
  const more = Array.from({ length: 300 }, (_, n) => entry(100_000 + n, 100_000 + n, 'failed'));
  for (const one of more) list.put(one);
  await save(store, list);
  for (const one of [...all.values(), ...more]) list.remove(one);
  assert.deepEqual(await save(store, list), []);
  assert.deepEqual(await store.keys('_list.>'), ['_list.0']);
});

test('the newest of ten thousand are found by reading one page, and the rest is counted by the head', async (t) => {
  const { store, reads } = world(t);
  const rows: Row[] = [];
  const first = await openList(store, '_list.0', rows);
  for (let n = 0; n < 10_000; n += 1) first.put(entry(n, n, n === 500 ? 'failed' : 'succeeded'));
  await save(store, first);
  const list = await openList(store, '_list.0', rows);
  const before = reads();
  const { some, total } = await list.find({ rising: false, limit: 10 });
  assert.deepEqual([some[0]?.id, some.length, total], ['t9999', 11, 10_000]);
  assert.equal(reads() - before, 1);
  const rare = await list.find({ rising: false, limit: 10, statuses: ['failed'] });
  assert.deepEqual([rare.some.map(({ id }) => id), rare.total, reads() - before], [['t500'], 1, 2]);
});

test('a list that somebody wrote over says so', async (t) => {
  const { store } = world(t);
  assert.equal((await openList(store, '_list.0', [])).isReadable, true);
  await store.set({ key: '_list.0', data: 'no', expect: null });
  assert.equal((await openList(store, '_list.0', [])).isReadable, false);
});
