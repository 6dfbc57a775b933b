// Quotas and turns over a real server: what a tenant may have open and running, and who goes first when more waits than can be done.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeTrusted } from '@capstan/bus';
import { audit } from './support/audit.ts';
import { readAll } from './support/replay.ts';
import { newId, startWorld, type World } from './support/world.ts';
import type { Work } from './support/agent.ts';

/** An agent that does one thing after the other, each when it is told to. */
const byHand = () => {
  const waiting: (() => void)[] = [];
  const done: string[] = [];
  let most = 0;
  let now = 0;
  let all = false;
  const slow: Work = async ({ task_id }) => {
    most = Math.max(most, (now += 1));
    if (!all) await new Promise<void>((resolve) => void waiting.push(resolve));
    now -= 1;
    done.push(task_id);
    return { outcome: 'succeeded', output: {} };
  };
  return {
    work: { slow },
    done,
    most: () => most,
    waiting: () => waiting.length,
    next: () => waiting.shift()?.(),
    finish: () => {
      all = true;
      for (const one of waiting.splice(0)) one();
    },
  };
};
const slow = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  plan: { steps: [{ id: 'a', capability: 'slow' }] },
  ...more,
});
const submitAll = (world: World, tasks: Record<string, unknown>[]) =>
  Promise.all(tasks.map(async (task) => (await world.submit(task)).task_id));
const waitFor = async (world: World, what: string, holds: () => boolean) => {
  for (let left = 200; !holds(); left -= 1) {
    if (left === 0) throw new Error(`not seen: ${what}`);
    await world.changeOr(50);
  }
};

test('urgent work goes first and tenants take turns, although much was there before', async () => {
  await using world = await startWorld({ agent: false });
  const hand = byHand();
  await world.agent({ queue: 'slow', concurrency: 1, work: hand.work });
  const many = await submitAll(
    world,
    Array.from({ length: 30 }, (_, at) => slow({ task_id: `many-${at}`, tenant: 'many' })),
  );
  await waitFor(world, 'work is begun', () => hand.waiting() > 0);
  const few = await submitAll(world, [
    slow({ task_id: 'few-1', tenant: 'few' }),
    slow({ task_id: 'few-2', tenant: 'few' }),
  ]);
  const urgent = await submitAll(world, [slow({ task_id: 'urgent', tenant: 'many', priority: 'urgent' })]);
  const { steps } = await world.until('few-2', 'it waits', ({ steps }) =>
    /its turn/.test(steps['a']?.waiting_for ?? ''),
  );
  assert.match(
    steps['a']?.waiting_for ?? '',
    /its turn in queue "slow": \d+ wait here, and 2 are handed out at a time/,
  );
  const ordered = (await readAll(world.bus, world.names.streams.orders)).length;
  assert.equal(ordered, 2, 'twice what the agent can do, and the rest waits where turns are taken');
  hand.finish();
  await world.allEnded([...many, ...few, ...urgent], 30_000);
  // What was handed out before they came can not be overtaken.
  assert.ok(hand.done.indexOf('urgent') <= 2, hand.done.slice(0, 8).join(' '));
  assert.ok(hand.done.indexOf('few-2') <= 7, hand.done.slice(0, 8).join(' '));
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [...many, ...few, ...urgent])).violations, []);
});

test('what waits for its turn outlives kill -9, and is handed out once', async () => {
  await using world = await startWorld({ agent: false });
  const hand = byHand();
  await world.agent({ queue: 'slow', concurrency: 1, work: hand.work });
  const ids = await submitAll(
    world,
    Array.from({ length: 12 }, () => slow({ task_id: newId() })),
  );
  for (const id of ids) await world.stored(id, 'it runs', ({ status }) => status === 'running');
  await world.coordinators[0]?.kill();
  hand.finish();
  await world.coordinator({ instance: 'c1' });
  await world.allEnded(ids, 30_000);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, ids)).violations, []);
  assert.deepEqual(hand.done.toSorted(), ids.toSorted());
});

test('open tasks: beyond the quota a task is queued, and goes on when another one ends, also after kill -9', async () => {
  const config = 'settings:\n  quotas: { tenants: { acme: { open_tasks: 2 } } }\n';
  await using world = await startWorld({ agent: false, config });
  const hand = byHand();
  await world.agent({ queue: 'slow', concurrency: 8, work: hand.work });
  const ids: string[] = [];
  for (const id of ['a', 'b', 'c', 'd']) ids.push((await world.submit(slow({ task_id: id, tenant: 'acme' }))).task_id);
  const free = await world.submit(slow({ tenant: 'other' }));
  await waitFor(world, 'three run', () => hand.waiting() === 3);
  const queued = await world.until('d', 'it is queued', ({ status }) => status === 'queued');
  assert.match(queued.reason ?? '', /waits for room for it: tenant "acme"/);
  await world.coordinators[0]?.kill();
  await world.coordinator({ instance: 'c1' });
  assert.equal((await world.task('d')).status, 'queued');
  await world.api('task.cancel', { task_id: 'c' });
  hand.next();
  await waitFor(world, 'd has its turn', () => hand.waiting() === 3);
  hand.finish();
  await world.allEnded([...ids, free.task_id], 15_000);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [...ids, free.task_id])).violations, []);
});

test('open tasks, refused where that is configured: at one door as an error, at the other as a dead letter', async () => {
  const config = 'settings:\n  quotas: { over: refuse, requester: { open_tasks: 1 } }\n';
  await using world = await startWorld({ agent: false, config });
  const hand = byHand();
  await world.agent({ queue: 'slow', concurrency: 8, work: hand.work });
  const one = await world.submit(slow({ task_id: 'one', requester: 'bob' }));
  await waitFor(world, 'it runs', () => hand.waiting() === 1);
  const { error, status } = await world.ask('task.submit', slow({ task_id: 'two', requester: 'bob' }));
  assert.deepEqual([error?.code, status], ['quota', '429']);
  assert.match(error?.message ?? '', /has 1 open tasks of requester "bob"; the quota is 1/);
  assert.equal(
    (await world.submit(slow({ task_id: 'one', requester: 'bob' }))).created,
    false,
    'the same again is no other',
  );
  await world.plain(slow({ task_id: 'three', requester: 'bob' }));
  await world.letter('the refused task', ({ subject }) => subject.includes('.quota.'));
  await world.submit(slow({ task_id: 'four', requester: 'eve' }));
  hand.finish();
  await world.allEnded([one.task_id, 'four'], 15_000);
  await world.until('one', 'its leave is returned', () => true);
  await world.quiet();
});

test('running steps: never more than the quota, whatever the agents could do', async () => {
  const config = 'settings:\n  quotas: { tenants: { acme: { running_steps: 2 } } }\n';
  await using world = await startWorld({ agent: false, config });
  const hand = byHand();
  await world.agent({ queue: 'slow', concurrency: 8, work: hand.work });
  const plan = { steps: [{ id: 'a', capability: 'slow', each: { count: 5 } }] };
  const ids = await submitAll(world, [
    { plan, tenant: 'acme' },
    { plan, tenant: 'acme' },
  ]);
  await waitFor(world, 'two run', () => hand.waiting() === 2);
  const { steps } = await world.task(ids[1] ?? '');
  const texts = Object.values(steps).map((step) => step.waiting_for ?? '');
  assert.ok(
    texts.some((text) => text === 'room for it: tenant "acme" may have 2 steps running'),
    texts.join(),
  );
  await world.coordinators[0]?.kill();
  await world.coordinator({ instance: 'c1' });
  while (hand.done.length < 10) {
    await waitFor(world, 'another one runs', () => hand.waiting() > 0 || hand.done.length === 10);
    hand.next();
  }
  await world.allEnded(ids, 15_000);
  assert.equal(hand.most(), 2);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, ids)).violations, []);
});

test('running steps with two coordinators: each knows what the other one uses', async () => {
  const config = 'settings:\n  quotas: { tenants: { acme: { running_steps: 2 } } }\n';
  await using world = await startWorld({ agent: false, config, coordinators: 2 });
  const hand = byHand();
  await world.agent({ queue: 'slow', concurrency: 8, work: hand.work });
  const told = new Map<string, number>();
  world.bus.listen(world.names.running, ({ data }) => {
    const { member, counts } = decodeTrusted(data) as { member: string; counts: Record<string, number> };
    told.set(member, counts['tenant "acme"'] ?? 0);
  });
  const first = await submitAll(world, [
    slow({ task_id: 'x1', tenant: 'acme' }),
    slow({ task_id: 'x2', tenant: 'acme' }),
  ]);
  await waitFor(world, 'two run', () => hand.waiting() === 2);
  const ids = ['y1', 'y2', 'y3', 'y4', 'y5', 'y6', 'y7', 'y8'];
  await waitFor(world, 'both are told', () => [...told.values()].reduce((sum, count) => sum + count, 0) === 2);
  for (const id of ids) {
    await world.submit(slow({ task_id: id, tenant: 'acme' }));
    await world.until(id, 'it waits', ({ steps }) => /may have 2 steps running/.test(steps['a']?.waiting_for ?? ''));
  }
  for (let done = 1; done <= 10; done += 1) {
    await waitFor(world, `${done} are to be ended`, () => hand.waiting() > 0);
    hand.next();
    await waitFor(world, `${done} have ended`, () => hand.done.length === done);
  }
  await world.allEnded([...first, ...ids], 15_000);
  assert.equal(hand.most(), 2);
});

test('running steps: a task whose step takes long counts although nothing else happens in it, also after kill -9', async () => {
  const config = 'settings:\n  quotas: { tenants: { acme: { running_steps: 1 } } }\n';
  await using world = await startWorld({ agent: false, config, coordinators: 0 });
  const restless = { env: { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'support/rests-soon.ts')}` } };
  await world.coordinator(restless);
  const hand = byHand();
  await world.agent({ queue: 'slow', concurrency: 8, work: hand.work });
  /** What is told each second while anything counts, and at once when that changes. */
  const told: (number | undefined)[] = [];
  world.bus.listen(world.names.running, ({ data }) => {
    told.push((decodeTrusted(data) as { counts: Record<string, number> }).counts['tenant "acme"']);
  });
  const x = await world.submit(slow({ task_id: 'x', tenant: 'acme' }));
  await waitFor(world, 'it runs', () => hand.waiting() === 1);
  const goesOnCounting = async () => {
    told.length = 0;
    await waitFor(world, 'it is told of three times', () => told.length >= 3);
    assert.deepEqual(new Set(told), new Set([1]));
  };
  await goesOnCounting();
  const y = await world.submit(slow({ task_id: 'y', tenant: 'acme' }));
  const waits = () =>
    world.until('y', 'it waits', ({ steps }) => /may have 1 steps running/.test(steps['a']?.waiting_for ?? ''));
  await waits();
  await world.stored('x', 'it runs', ({ status }) => status === 'running');
  await world.stored('y', 'it is ordered', ({ status }) => status === 'running');
  await world.coordinators[0]?.kill();
  // Whoever comes after finds nothing to do in either, and counts what runs all the same.
  await world.coordinator({ ...restless, instance: 'c1' });
  await goesOnCounting();
  await waits();
  assert.equal(hand.waiting(), 1);
  hand.finish();
  await world.allEnded([x.task_id, y.task_id], 15_000);
  assert.equal(hand.most(), 1);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, ['x', 'y'])).violations, []);
});
