// Buckets: laws 3 and 4 stand on the revision.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { isBusError } from './error.ts';
import type { Bus, Entry } from './port.ts';
import { Heard, inBothWorlds, text } from './worlds.ts';

const tasks = (bus: Bus) => bus.store(bus.names.buckets.tasks);
const conflict = (error: unknown): boolean => isBusError(error, 'conflict');

inBothWorlds('a change follows the revision that was read, or is refused', {}, async (world, bus) => {
  const store = tasks(bus);
  const other = tasks(await world.connect());
  assert.equal(await store.get('a'), null);
  const first = await store.set({ key: 'a', data: '1', expect: 0 });
  await assert.rejects(other.set({ key: 'a', data: '2', expect: 0 }), conflict);
  const second = await other.set({ key: 'a', data: '2', expect: first });
  await assert.rejects(store.set({ key: 'a', data: '3', expect: first }), conflict);
  const entry = await store.get('a');
  assert.deepEqual([text(entry?.data ?? Buffer.of()), entry?.revision, entry?.gone], ['2', second, false]);
  assert.ok(Math.abs((entry?.at ?? 0) - Date.now()) < 10_000);
  await store.set({ key: 'a', data: '4', expect: null });
});

inBothWorlds(
  'a key that was removed is new again, and not for whoever wants one that never was',
  {},
  async (_, bus) => {
    const store = tasks(bus);
    await store.set({ key: 'a', data: '1', expect: 0 });
    await store.remove('a');
    await assert.rejects(store.set({ key: 'a', data: '2', expect: 0, neverThere: true }), conflict);
    assert.equal((await store.get('a'))?.gone, true);
    await store.set({ key: 'a', data: '2', expect: 0 });
    await store.set({ key: 'b', data: '1', expect: 0, neverThere: true });
  },
);

inBothWorlds('of many who follow the same revision, one succeeds', {}, async (world, bus) => {
  const stores = [tasks(bus), tasks(await world.connect())];
  const revision = await tasks(bus).set({ key: 'a', data: '', expect: 0 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, n) =>
      (stores[n % 2] as ReturnType<typeof tasks>).set({ key: 'a', data: String(n), expect: revision }),
    ),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

inBothWorlds('several changes are written together, or none of them', {}, async (_, bus) => {
  const store = tasks(bus);
  const [a, b] = (await store.setAll([
    { key: 'a', data: '1', expect: 0 },
    { key: 'b', data: '1', expect: 0 },
  ])) as [number, number];
  assert.deepEqual([(await store.get('a'))?.revision, (await store.get('b'))?.revision], [a, b]);
  await assert.rejects(
    store.setAll([
      { key: 'c', data: '2', expect: 0 },
      { key: 'a', data: '2', expect: a },
      { key: 'b', data: '2', expect: a },
    ]),
    conflict,
  );
  assert.deepEqual(
    [
      await store.get('c'),
      text((await store.get('a'))?.data ?? Buffer.of()),
      text((await store.get('b'))?.data ?? Buffer.of()),
    ],
    [null, '1', '1'],
  );
  await assert.rejects(
    store.setAll([
      { key: 'd', data: '1', expect: 0 },
      { key: 'd', data: '2', expect: 0 },
    ]),
    conflict,
  );
  assert.equal(await store.get('d'), null);
  const many = Array.from({ length: 1_000 }, (_, n) => ({ key: `m-${n}`, data: 'x'.repeat(100), expect: 0 }));
  const revisions = await store.setAll(many);
  assert.equal((await store.get('m-999'))?.revision, revisions[999]);
  assert.deepEqual(await store.setAll([]), []);
  await assert.rejects(async () => store.setAll([...many, { key: 'one-more', data: '', expect: 0 }]), RangeError);
});

inBothWorlds('a removed key is gone, and counts as new', {}, async (_, bus) => {
  const store = tasks(bus);
  await store.set({ key: 'a', data: '1', expect: 0 });
  await store.set({ key: 'b.c', data: '1', expect: 0 });
  assert.deepEqual((await store.keys()).sort(), ['a', 'b.c']);
  assert.deepEqual(await store.keys('b.*'), ['b.c']);
  await store.remove('a');
  const entry = await store.get('a');
  assert.deepEqual([entry?.gone, entry?.data.length], [true, 0]);
  assert.deepEqual(await store.keys(), ['b.c']);
  await store.set({ key: 'a', data: '2', expect: 0 });
  assert.equal(text((await store.get('a'))?.data ?? Buffer.of()), '2');
  assert.deepEqual(await bus.store(bus.names.buckets.inbox).keys(), []);
});

inBothWorlds('a key goes together with what is written instead, and only at its revision', {}, async (_, bus) => {
  const store = tasks(bus);
  const first = await store.set({ key: 'a', data: '1', expect: 0 });
  const second = await store.set({ key: 'a', data: '2', expect: first });
  const change = (expect: number) => [
    { key: 'a', data: '', expect, gone: true },
    { key: 'list', data: 'a', expect: 0 },
  ];
  await assert.rejects(store.setAll(change(first)), conflict);
  assert.deepEqual([text((await store.get('a'))?.data ?? Buffer.of()), await store.get('list')], ['2', null]);
  await store.setAll(change(second));
  assert.deepEqual([(await store.get('a'))?.gone, await store.keys()], [true, ['list']]);
  const again = await store.set({ key: 'a', data: '3', expect: 0 });
  await store.set({ key: 'a', data: '', expect: again, gone: true });
  assert.deepEqual(await store.keys(), ['list']);
});

inBothWorlds('who watches hears every present key, that this was all, and every change', {}, async (_, bus) => {
  const store = tasks(bus);
  await store.set({ key: 'a', data: '1', expect: null });
  await store.set({ key: 'a', data: '2', expect: null });
  await store.set({ key: 'b', data: '1', expect: null });
  const heard = new Heard<string>();
  const watching = await store.watch(
    ({ key, data, gone }: Entry) => heard.add(gone ? `${key} gone` : `${key}=${text(data)}`),
    () => heard.add('ready'),
  );
  assert.deepEqual(await heard.count(3), ['a=2', 'b=1', 'ready']);
  await store.set({ key: 'c', data: '1', expect: 0 });
  await store.remove('b');
  assert.deepEqual((await heard.count(5)).slice(3), ['c=1', 'b gone']);
  await watching.stop();
  await store.set({ key: 'd', data: '1', expect: 0 });
  assert.equal(heard.all.length, 5);
});

inBothWorlds('a watch and a change in flight survive a server that is killed', {}, async (world, bus) => {
  const store = tasks(bus);
  const heard = new Heard<string>();
  await store.watch(
    ({ key, data }) => heard.add(`${key}=${text(data)}`),
    () => heard.add('ready'),
  );
  await heard.count(1);
  await world.kill();
  const setting = store.set({ key: 'a', data: '1', expect: 0 });
  const settingAll = store.setAll([
    { key: 'b', data: '1', expect: 0 },
    { key: 'c', data: '1', expect: 0 },
  ]);
  await world.start();
  assert.ok((await setting) > 0);
  assert.equal((await settingAll).length, 2);
  assert.deepEqual((await heard.count(4)).sort(), ['a=1', 'b=1', 'c=1', 'ready']);
});

inBothWorlds(
  'the key of an agent that says nothing more goes by itself, and who watches is told',
  { agentTtlMs: 1_500 },
  async (_, bus) => {
    const store = bus.store(bus.names.buckets.agents);
    const heard = new Heard<string>();
    await store.watch(({ key, gone }) => heard.add(gone ? `${key} gone` : key));
    await store.set({ key: 'executor.1', data: '{}', expect: null });
    await store.set({ key: 'executor.2', data: '{}', expect: null });
    const beat = setInterval(() => void store.set({ key: 'executor.2', data: '{}', expect: null }), 300);
    try {
      await heard.until(() => heard.all.includes('executor.1 gone'), 'the end of executor.1', 20_000);
    } finally {
      clearInterval(beat);
    }
    assert.ok(!heard.all.includes('executor.2 gone'));
    assert.deepEqual(await store.keys(), ['executor.2']);
  },
);

inBothWorlds('what can not be a key is refused before it becomes a subject', {}, async (_, bus) => {
  for (const key of ['', 'a b', 'a.*', '>', 'a..b', '.a', 'a.', 'é', 'a\r\n', 'x'.repeat(5_000)]) {
    await assert.rejects(async () => tasks(bus).set({ key, data: '', expect: null }), TypeError, key);
    await assert.rejects(async () => tasks(bus).get(key), TypeError, key);
  }
});

inBothWorlds('objects are put, looked at, read and removed by name', {}, async (_, bus) => {
  const objects = bus.objects(bus.names.buckets.artifacts);
  const data = Buffer.alloc(1_500_000, 'abc');
  const put = await objects.put('task/step/1/report.xml', data);
  assert.deepEqual(put, { size: data.length, sha256: createHash('sha256').update(data).digest('hex') });
  assert.ok(data.equals((await objects.get('task/step/1/report.xml')) ?? Buffer.of()));
  assert.deepEqual(await objects.info('task/step/1/report.xml'), put);
  await objects.put('task/step/1/report.xml', Buffer.from('second'));
  assert.equal(text((await objects.get('task/step/1/report.xml')) ?? Buffer.of()), 'second');
  await objects.remove('task/step/1/report.xml');
  await objects.remove('task/step/1/report.xml');
  assert.deepEqual(
    [
      await objects.get('task/step/1/report.xml'),
      await objects.info('task/step/1/report.xml'),
      await objects.get('no'),
    ],
    [null, null, null],
  );
});

inBothWorlds('an object that is put anew while it is read comes whole', {}, async (world, bus) => {
  const stores = [bus, await world.connect()].map((one) => one.objects(one.names.buckets.artifacts));
  const data = Buffer.alloc(500, 'abc');
  for (let at = 0; at < 100; at += 1) {
    const name = `task/_plan/${at}.json`;
    const putAndGet = async (objects: (typeof stores)[number]): Promise<void> => {
      await objects.put(name, data);
      assert.ok(data.equals((await objects.get(name)) ?? Buffer.of()));
    };
    await Promise.all([...stores, ...stores].map(putAndGet));
  }
});
