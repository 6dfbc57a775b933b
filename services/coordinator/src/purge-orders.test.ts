// Which orders are purged, against a real server: up to what is acknowledged, and to what every checkpoint has passed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, prepare } from '@capstan/bus';
import { startNatsServer } from '@capstan/bus/testing';
import { checkpointKey } from './checkpoint.ts';
import { purgeOrders } from './purge-orders.ts';
import type { World } from './world.ts';

test('orders go up to the acknowledged, and up to what every checkpoint has passed; a missing checkpoint keeps all', async () => {
  await using server = await startNatsServer();
  await using bus = await connect({ url: server.url, warn: () => {} });
  await prepare(bus);
  const { names } = bus;
  const world = { bus, names, partitions: 2, log: { info: () => {} } } as unknown as World;
  const orders = bus.log(names.streams.orders);
  const left = async () => (await orders.info()).messages;
  const purge = async () => purgeOrders(world, await orders.info());
  const checkpoint = (partition: number, upTo: number) =>
    bus.store(names.buckets.tasks).set({
      key: checkpointKey(partition),
      data: JSON.stringify({ seq: 1, at: 1, orders: upTo }),
      expect: null,
    });

  for (let n = 1; n <= 6; n += 1) await bus.once({ subject: names.order('worker', 't', `s${n}`, 1), data: '{}' });
  await bus.openQueue('worker');
  let taken = 0;
  const all = Promise.withResolvers<void>();
  const taking = await bus.takeOrders('worker', 6, (delivery) => {
    // The last one stays in somebody's hands.
    if (delivery.seq < 6) void delivery.ack().then(() => ++taken === 5 && all.resolve());
  });
  await all.promise;

  await checkpoint(0, 6);
  assert.equal(await purge(), 0, 'the other partition may decide anything anew');
  await checkpoint(1, 3);
  assert.equal(await purge(), 3, 'as far as the earlier of the checkpoints');
  assert.equal(await left(), 3);
  await checkpoint(1, 6);
  assert.equal(await purge(), 2, 'what is in hand stays');
  assert.equal((await orders.last(names.orders('worker')))?.seq, 6);
  assert.equal(await left(), 1);
  await taking.stop();
});
