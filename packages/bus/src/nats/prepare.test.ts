// Streams and buckets are made once, by however many at once, and what can't be used is said plainly.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { isBusError } from '../error.ts';
import { startNatsServer } from '../testing.ts';
import { text } from '../worlds.ts';
import { connect } from './connect.ts';
import { inspect, prepare } from './prepare.ts';
import { streamsOf } from './streams.ts';

test('many processes prepare at once; a second time changes nothing', async () => {
  await using server = await startNatsServer();
  const buses = await Promise.all(Array.from({ length: 5 }, () => connect({ url: server.url })));
  const prepared = await Promise.all(buses.map((bus) => prepare(bus)));
  const [bus] = buses as [(typeof buses)[0]];
  const made = new Set(prepared.flatMap(({ made }) => made));
  assert.equal(made.size, streamsOf(bus.names, {}).length);
  assert.deepEqual(
    prepared.flatMap(({ changed }) => changed),
    [],
  );
  assert.deepEqual(await prepare(bus), { made: [], changed: [] });
  assert.deepEqual(await inspect(bus), []);
  await Promise.all(buses.map((one) => one.close()));
});

test('artifacts are compressed where they lie, which no client sees', async () => {
  await using server = await startNatsServer();
  const bus = await connect({ url: server.url });
  await prepare(bus);
  const text = Buffer.from('the same line again and again\n'.repeat(700_000));
  await bus.objects(bus.names.buckets.artifacts).put('t/s/1/log', text);
  assert.ok(text.equals((await bus.objects(bus.names.buckets.artifacts).get('t/s/1/log')) ?? Buffer.alloc(0)));
  const streams = join(server.dir, 'data', 'jetstream');
  const stored = () =>
    readdirSync(streams, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('OBJ_') && name.endsWith('.blk'))
      .reduce((sum, name) => sum + statSync(join(streams, name)).size, 0);
  // The block that is being written is not compressed yet, and there is at most one of 8 MiB.
  for (const until = Date.now() + 20_000; stored() > text.length / 2; ) {
    assert.ok(Date.now() < until, `${stored()} bytes for ${text.length}`);
    await new Promise((next) => setTimeout(next, 50));
  }
  await bus.close();
});

test('a setting that correctness rests on is put right; one that an operator chose stays', async () => {
  await using server = await startNatsServer();
  await using bus = await connect({ url: server.url });
  await prepare(bus);
  const { streams } = await jetstreamManager(bus.line.connection);
  await streams.update('CAPSTAN_EVENTS', { max_bytes: 1_000_000, allow_rollup_hdrs: true, discard: 'old' as never });
  assert.equal((await inspect(bus)).length, 2);
  assert.deepEqual(await prepare(bus), { made: [], changed: ['CAPSTAN_EVENTS'] });
  const { config } = await streams.info('CAPSTAN_EVENTS');
  assert.deepEqual([config.max_bytes, config.allow_rollup_hdrs, config.discard], [1_000_000, false, 'new']);
  assert.deepEqual(await prepare(bus, { eventsBytesMax: 2_000_000 }), { made: [], changed: ['CAPSTAN_EVENTS'] });
  assert.equal((await bus.log('CAPSTAN_EVENTS').info()).bytesMax, 2_000_000);
});

test('the log always has a limit: what the account or the disk leaves, and what an operator chose', async () => {
  const GiB = 1_024 ** 3;
  await using roomy = await startNatsServer({ maxStore: '100GB' });
  await using bus = await connect({ url: roomy.url });
  const { streams } = await jetstreamManager(bus.line.connection);
  // As an older version made it.
  await prepare(bus);
  const { config } = await streams.info('CAPSTAN_EVENTS');
  assert.equal(config.max_bytes, 16 * GiB);
  await streams.update('CAPSTAN_EVENTS', { max_bytes: -1 });
  assert.deepEqual(await prepare(bus), { made: [], changed: ['CAPSTAN_EVENTS'] });
  assert.equal((await bus.log('CAPSTAN_EVENTS').info()).bytesMax, 16 * GiB);

  await using small = await startNatsServer({ maxStore: '5GB' });
  await using tight = await connect({ url: small.url });
  await prepare(tight);
  const { bytesMax } = await tight.log('CAPSTAN_EVENTS').info();
  assert.equal(bytesMax, 2 * GiB, 'the others took theirs first');
});

test('what can not be used, or is taken, is named', async () => {
  await using server = await startNatsServer();
  await using bus = await connect({ url: server.url });
  const { streams } = await jetstreamManager(bus.line.connection);
  await streams.add({ name: 'OTHER', subjects: ['capstan.order.>'] });
  await streams.add({ name: 'CAPSTAN_TASKS', subjects: ['capstan.task.submit'] });
  await assert.rejects(prepare(bus), (error) => {
    assert.ok(isBusError(error, 'conflict'));
    assert.match(error.message, /CAPSTAN_ORDERS \(orders\) can't be made: its subjects belong to OTHER already/);
    assert.match(error.message, /CAPSTAN_TASKS \(the plain door\) has retention "limits", but "workqueue" is needed/);
    return true;
  });
});

test('another namespace lives beside it', async () => {
  await using server = await startNatsServer();
  await using one = await connect({ url: server.url });
  await using two = await connect({ url: server.url, namespace: 'team-b' });
  await prepare(one);
  await prepare(two);
  await two.once({ subject: two.names.event(0, 'a', 'submitted', 't'), data: '' });
  assert.equal((await one.log(one.names.streams.events).info()).messages, 0);
  assert.equal((await two.log(two.names.streams.events).info()).messages, 1);
});

test('a KV client of NATS reads, watches and lists the buckets', async () => {
  await using server = await startNatsServer();
  await using bus = await connect({ url: server.url });
  await prepare(bus);
  const store = bus.store(bus.names.buckets.tasks);
  const revision = await store.set({ key: 'feature-1087', data: '{"status":"running"}', expect: 0 });
  const kv = await new Kvm(bus.line.connection).open(bus.names.buckets.tasks);
  const entry = await kv.get('feature-1087');
  assert.deepEqual([entry?.string(), entry?.revision], ['{"status":"running"}', revision]);
  assert.equal(await kv.update('feature-1087', 'other', revision), revision + 1);
  assert.equal(text((await store.get('feature-1087'))?.data ?? Buffer.of()), 'other');
  await store.remove('feature-1087');
  assert.equal((await kv.get('feature-1087'))?.operation, 'DEL');
  const keys: string[] = [];
  for await (const key of await kv.keys()) keys.push(key);
  assert.deepEqual(keys, []);
});

test('dead letters can be neither deleted, purged nor rolled up, not even by whoever made the stream', async () => {
  await using server = await startNatsServer();
  await using bus = await connect({ url: server.url });
  await prepare(bus);
  const subject = bus.names.dlq('a', 'internal', '1');
  await bus.once({ subject, data: 'x' });
  const { streams } = await jetstreamManager(bus.line.connection);
  await assert.rejects(streams.purge(bus.names.streams.dlq));
  await assert.rejects(streams.deleteMessage(bus.names.streams.dlq, 1));
  await assert.rejects(bus.append({ subject, data: '', headers: { 'Nats-Rollup': 'all' } }));
  assert.equal((await bus.log(bus.names.streams.dlq).info()).messages, 1);
});

test('a server without JetStream is said to be one', async () => {
  await using server = await startNatsServer({ jetStream: false });
  await using bus = await connect({ url: server.url });
  await assert.rejects(
    prepare(bus),
    (error) => isBusError(error, 'unavailable') && /JetStream does not answer/.test(error.message),
  );
});
