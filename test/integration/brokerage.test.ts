// Who gets a step, over a real server: by what agents say that they can do, how they are, and how much room they have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentRecord } from '@capstan/contracts';
import { parseOrderSubject } from '@capstan/contracts';
import { usualWork } from './support/agent.ts';
import { readAll } from './support/replay.ts';
import { newId, startWorld, type World } from './support/world.ts';

/** Announces an agent that takes nothing: who would get the order is all that counts here. */
const announce = (world: World, queue: string, more: Partial<AgentRecord>) => {
  const record = { v: 1, queue, instance: 'x', capabilities: ['bake'], concurrency: 2, busy: 0, ...more };
  return world.bus
    .store(world.names.buckets.agents)
    .set({ key: `${queue}.${record.instance}`, data: JSON.stringify(record), expect: null });
};
const bake = (needs?: Record<string, string>) => ({
  task_id: newId(),
  plan: { steps: [{ id: 'a', capability: 'bake', ...(needs === undefined ? {} : { needs }) }] },
});
const queueFor = async (world: World, task: Parameters<World['submit']>[0]): Promise<string | undefined> => {
  const { task_id } = await world.submit(task);
  await world.until(task_id, 'it is ordered', ({ steps }) => steps['a']?.status === 'running');
  for (;;) {
    for (const { subject } of await readAll(world.bus, world.names.streams.orders)) {
      const order = parseOrderSubject(world.names, subject);
      if (order?.task === task_id) return order.queue;
    }
    await world.changeOr(50);
  }
};
/** The coordinator has heard of these queues. */
const known = async (world: World, ...queues: string[]) => {
  for (;;) {
    const { agents } = await world.api<{ agents: AgentRecord[] }>('agent.list', {});
    if (queues.every((queue) => agents.some((agent) => agent.queue === queue))) return;
    await world.changeOr(50);
  }
};

test('specialists first; others when those are full; whoever is degraded after whoever is well', async () => {
  await using world = await startWorld({ agent: false });
  await announce(world, 'bakers', {});
  await announce(world, 'cooks', { capabilities: ['bake', 'cook', 'fry'], concurrency: 8 });
  await known(world, 'bakers', 'cooks');
  assert.equal(await queueFor(world, bake()), 'bakers', 'who can do nothing else');

  await announce(world, 'bakers', { busy: 2 });
  await announce(world, 'marker', {});
  await known(world, 'marker');
  await world.bus.store(world.names.buckets.agents).remove('marker.x');
  for (let queue = ''; queue !== 'cooks'; ) queue = (await queueFor(world, bake())) ?? '';

  await announce(world, 'bakers', { health: 'degraded' });
  for (let queue = ''; queue !== 'cooks'; ) queue = (await queueFor(world, bake())) ?? '';
  await announce(world, 'cooks', { capabilities: ['bake', 'cook', 'fry'], health: 'draining' });
  for (let queue = ''; queue !== 'bakers'; ) queue = (await queueFor(world, bake())) ?? '';
});

test('of many steps at once specialists get what they have room for, others the rest; who is in a hurry waits for neither', async () => {
  await using world = await startWorld({ agent: false });
  const all = ['bake', 'cook', 'fry'];
  await announce(world, 'bakers', {});
  await announce(world, 'cooks', { capabilities: all, concurrency: 20, health: 'degraded' });
  await known(world, 'bakers', 'cooks');
  const family = { steps: [{ id: 'f', capability: 'bake', each: { count: 20 } }] };
  const { task_id } = await world.submit({ plan: family as never });
  const { steps } = await world.until(task_id, 'all are ordered', (task) =>
    Object.values(task.steps).every(({ status }) => status === 'running'),
  );
  const queues = Object.values(steps).map(({ queue }) => queue);
  assert.equal(queues.filter((queue) => queue === 'bakers').length, 2);
  assert.equal(queues.filter((queue) => queue === 'cooks').length, 18);

  for (let left = 2; left > 0; left -= 1) assert.equal(await queueFor(world, bake()), 'cooks');
  // Nobody has room now: whoever is well comes first, unless there is no time for that.
  for (let more = 2; more > 0; more -= 1) assert.equal(await queueFor(world, bake()), 'bakers');
  const hurried = { ...bake(), plan: { steps: [{ id: 'a', capability: 'bake', sla_ms: 60_000 }] } };
  assert.equal(await queueFor(world, hurried), 'cooks');
});

test('tags: only who has what the step needs', async () => {
  await using world = await startWorld({ agent: false });
  await announce(world, 'wood', { tags: { oven: 'wood' } });
  await announce(world, 'gas', { tags: { oven: 'gas', place: 'yard' } });
  await known(world, 'wood', 'gas');
  assert.deepEqual(
    [await queueFor(world, bake({ oven: 'wood' })), await queueFor(world, bake({ place: 'yard' }))],
    ['wood', 'gas'],
  );
});

test('nobody there: blocked, people are told, and it goes on by itself when somebody comes', async () => {
  const config = 'settings:\n  notify: [{ on: ["step.blocked"], channel: log }]\n';
  await using world = await startWorld({ agent: false, config });
  const { task_id, warnings } = await world.submit(bake({ oven: 'wood' }));
  assert.match(warnings[0] ?? '', /will be blocked/);
  const blocked = await world.until(task_id, 'it is blocked', ({ status }) => status === 'blocked');
  assert.match(blocked.steps['a']?.waiting_for ?? '', /no live agent offers "bake"/);
  assert.ok(
    Object.values(blocked.steps).some(({ waiting_for }) => /notify/.test(waiting_for ?? '')),
    'an alert was sent on its way',
  );
  await announce(world, 'gas', { tags: { oven: 'gas' } });
  await known(world, 'gas');
  assert.equal((await world.task(task_id)).steps['a']?.status, 'blocked', 'who lacks the tag is nobody');
  await announce(world, 'wood', { tags: { oven: 'wood' } });
  const going = await world.until(task_id, 'it goes on', ({ steps }) => steps['a']?.status === 'running');
  assert.equal(going.steps['a']?.queue, 'wood');
});

test('whose agents have left before its turn came, or before they took it, is blocked, and goes on where somebody else can', async () => {
  const config = 'settings:\n  notify: [{ on: ["step.blocked"], channel: log }]\n';
  await using world = await startWorld({ agent: false, config });
  await announce(world, 'bakers', {});
  await known(world, 'bakers');
  const ask = { id: 'q', capability: 'input' };
  const plan = { steps: [ask, { id: 'a', capability: 'bake', depends_on: ['q'], retry: { max_attempts: 1 } }] };
  const later = await world.submit({ plan: plan as never });
  const asked = await world.until(later.task_id, 'it asks', ({ status }) => status === 'awaiting_input');
  const last = await world.submit({ plan: plan as never });
  const askedLast = await world.until(last.task_id, 'it asks', ({ status }) => status === 'awaiting_input');
  const lies = bake();
  assert.equal(await queueFor(world, lies), 'bakers');
  await world.bus.store(world.names.buckets.agents).remove('bakers.x');
  await world.api('inbox.answer', { id: asked.steps['q']?.intervention, value: 'go', by: 'me' });

  for (const { task_id } of [later, lies]) {
    const blocked = await world.until(task_id, 'it is blocked', ({ status }) => status === 'blocked', 60_000);
    assert.match(blocked.steps['a']?.waiting_for ?? '', /no live agent offers "bake"/);
    assert.ok(
      Object.keys(blocked.steps).some((id) => id.startsWith('_notify')),
      'an alert was sent on its way',
    );
  }
  // Once it is known that nobody is there, an order does not even leave.
  await world.api('inbox.answer', { id: askedLast.steps['q']?.intervention, value: 'go', by: 'me' });
  await world.until(last.task_id, 'it is blocked', ({ status }) => status === 'blocked');
  const ordered = (await readAll(world.bus, world.names.streams.orders)).map(({ subject }) => subject);
  assert.ok(!ordered.some((subject) => subject.includes(`.${last.task_id}.a.`)));

  const other = await world.agent({ queue: 'cooks', work: { bake: usualWork.noop } });
  for (const { task_id } of [later, last, lies]) {
    const ended = await world.ended(task_id);
    assert.deepEqual([ended.status, ended.steps['a']?.queue], ['succeeded', 'cooks']);
  }
  // Who comes back is not given what others have done since.
  while ((await world.bus.queueInfo('bakers'))?.pending !== 0) await world.changeOr(50);
  const back = await world.agent({ queue: 'bakers', instance: 'again', work: { other: usualWork.noop } });
  const { task_id } = await world.submit({ plan: { steps: [{ id: 'o', capability: 'other' }] } });
  await world.ended(task_id);
  assert.deepEqual([...back.orders, ...other.orders].map(({ capability }) => capability).toSorted(), [
    'bake',
    'bake',
    'bake',
    'other',
  ]);
});
