// What nobody needs any more goes, and nothing else does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import { newId, startWorld, type World } from './support/world.ts';

const soon = { CAPSTAN_KEEP_ORDERS_MS: '1000', CAPSTAN_PURGE_EVERY_MS: '100' };
const steps = [
  { id: 'one', capability: 'noop' },
  { id: 'two', capability: 'noop', depends_on: ['one'] },
];

/** Asks until the stream of orders is as it should be. */
const ordersAre = async (world: World, what: string, holds: (messages: number) => boolean): Promise<void> => {
  let messages = -1;
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await world.changeOr(100)) {
    messages = (await world.bus.log(world.names.streams.orders).info()).messages;
    if (holds(messages)) return;
  }
  assert.fail(`${what}; there are ${messages}`);
};

test('orders that are done are purged; those in hand, and those of a queue without a consumer, are not', async () => {
  await using world = await startWorld({ coordinators: 0 });
  await world.coordinator({ env: soon });
  const held = newId('held');
  await world.submit({ task_id: held, plan: { steps: [{ id: 'hold', capability: 'hold' }] } });
  await world.until(held, 'it runs', ({ status }) => status === 'running');
  const ghost = world.names.order('ghost', 'nobody', 'nothing', 1);
  await world.bus.once({ subject: ghost, data: '{}' });

  // The order that is in hand holds back what came after it, in its own queue.
  const early = newId('early');
  await world.submit({ task_id: early, plan: { steps } });
  await world.ended(early);
  await world.checkpointed([early]);
  const orders = world.bus.log(world.names.streams.orders);
  assert.notEqual(await orders.last(world.names.order('worker', held, 'hold', 1)), null);
  await world.api('task.cancel', { task_id: held, by: 'ada' });
  await world.ended(held);

  await ordersAre(world, 'only the order of the queue without a consumer is left', (messages) => messages === 1);
  assert.notEqual(await orders.last(ghost), null);

  // What is gone is not ordered again, by whoever comes next.
  await world.quiet();
  await world.coordinator({ env: soon });
  assert.equal((await world.task(early)).status, 'succeeded');
  assert.equal((await orders.info()).messages, 1);
});

test('a coordinator that joins reads what came since the checkpoints, not the whole log', async () => {
  await using world = await startWorld({ coordinators: 0 });
  const [first] = [await world.coordinator({ env: { CAPSTAN_PURGE_EVERY_MS: '100' } })];
  const ids = Array.from({ length: 150 }, () => newId('many'));
  await Promise.all(ids.map((task_id) => world.submit({ task_id, plan: { steps } })));
  await world.allEnded(ids, 60_000);
  const last = world.lastEvent();
  assert.ok(last >= 450);
  // The checkpoints of partitions in which nothing happens follow those in which something does.
  const lowest = async () => {
    const store = world.bus.store(world.names.buckets.tasks);
    const all = await Promise.all(
      Array.from({ length: limits.partitions }, async (_, at) => (await store.get(`_checkpoint.${at}`))?.data),
    );
    return Math.min(
      ...all.map((data) =>
        data === undefined ? 0 : (JSON.parse(Buffer.from(data).toString()) as { seq: number }).seq,
      ),
    );
  };
  for (const deadline = Date.now() + 20_000; (await lowest()) < last; await world.changeOr(100))
    assert.ok(Date.now() < deadline, `a checkpoint stays at ${await lowest()} of ${last}`);

  const second = await world.coordinator();
  const { read } = await second.logged('that it has caught up', ({ msg }) => msg === 'caught up');
  assert.ok(Number(read) <= 5, `it read ${String(read)} of ${last} events`);
  // And what comes is heard by both.
  const more = Array.from({ length: 20 }, () => newId('more'));
  await Promise.all(more.map((task_id) => world.submit({ task_id, plan: { steps } })));
  await world.allEnded(more, 60_000);
  assert.ok(first.alive() && second.alive());
});
