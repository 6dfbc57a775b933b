// A new version of Capstan is rolled out beside the old one, and rolled back: tasks that run go on, and nobody decides on what he does not know.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { partitionOf, textOf } from '@capstan/bus';
import { actorKindOf, limits } from '@capstan/contracts';
import { rulesVersion } from '@capstan/engine';
import { audit } from './support/audit.ts';
import { newId, startWorld, type World } from './support/world.ts';

const newer = { env: { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'support/newer-rules.ts')}` } };
const waits = () => ({
  task_id: newId('waits'),
  plan: {
    steps: [
      { id: 'ok', capability: 'approval' },
      { id: 'a', capability: 'noop', depends_on: ['ok'] },
    ],
  },
});

/** What a person is asked about each task. */
const asked = new Map<string, string>();

const begin = async (world: World, how: number): Promise<string[]> => {
  const ids: string[] = [];
  // Enough for every coordinator to have some.
  for (let n = 0; n < how; n += 1) ids.push((await world.submit(waits())).task_id);
  for (const id of ids) {
    const { interventions } = await world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');
    asked.set(id, interventions[0] as string);
  }
  return ids;
};
const approve = (world: World, id: string) => world.api('inbox.approve', { id: asked.get(id), by: 'alice' });
/** Whoever is told that nobody can decide just now asks again. */
const decide = async (world: World, id: string): Promise<void> => {
  for (let left = 100; ; left -= 1) {
    try {
      return void (await approve(world, id));
    } catch (error) {
      if (left === 0 || !String(error).includes('unavailable')) throw error;
      await world.changeOr(200);
    }
  }
};
const finish = async (world: World, ids: readonly string[]): Promise<void> => {
  for (const id of ids) await decide(world, id);
  await world.allEnded(ids, 30_000);
};
const rulesOf = async (world: World, id: string): Promise<number> => {
  const { events, names } = { events: world.bus.log(world.names.streams.events), names: world.names };
  const found = await events.last(names.event(partitionOf(id, limits.partitions), id, 'submitted', '*'));
  return (JSON.parse(textOf(found?.data ?? new Uint8Array())) as { rules: number }).rules;
};

test('two versions side by side, the new one alone, and back again: every task goes on with whoever knows its rules', async () => {
  await using world = await startWorld({ coordinators: 0 });
  const old = await world.coordinator();
  const first = await begin(world, 6);
  const next = await world.coordinator(newer);
  await next.logged(
    'that it owns some',
    ({ msg, owned }) => msg === 'partitions changed hands' && Number(owned) > 0,
    20_000,
  );
  const second = await begin(world, 6);
  // What the old one may have to decide on is taken in under rules that it knows.
  for (const id of second) assert.equal(await rulesOf(world, id), rulesVersion);
  await old.stop();
  await next.logged(
    'that it owns all',
    ({ msg, owned }) => msg === 'partitions changed hands' && owned === limits.partitions,
    20_000,
  );
  const third = await begin(world, 12);
  for (const id of third) assert.equal(await rulesOf(world, id), rulesVersion + 1);
  await finish(world, [first[0] as string, second[0] as string, third[0] as string]);

  // Rolled back, while one of the new is still there: the old one lets it have the partitions with tasks for the new one only.
  const back = await world.coordinator();
  await back.logged(
    'that it owns some',
    ({ msg, owned }) => msg === 'partitions changed hands' && Number(owned) > 0,
    20_000,
  );
  await finish(world, [...first.slice(1, 3), ...third.slice(1, 9)]);

  // Nobody is left who knows the new rules: those tasks wait, all others go on, and nobody ends of it.
  await world.checkpointed([...first, ...second, ...third]);
  await next.stop();
  await back.logged(
    'that it owns all',
    ({ msg, owned }) => msg === 'partitions changed hands' && owned === limits.partitions,
    20_000,
  );
  await finish(world, [...first.slice(3), ...second.slice(1)]);
  const waiting = third.slice(9);
  for (const id of waiting) await assert.rejects(approve(world, id), /unavailable: Nobody is here who may decide/);
  const last = await world.coordinator(newer);
  await last.logged(
    'that it owns some',
    ({ msg, owned }) => msg === 'partitions changed hands' && Number(owned) > 0,
    20_000,
  );
  for (const id of waiting) await decide(world, id);
  await world.allEnded(waiting, 30_000);
  await world.checkpointed([...first, ...second, ...third]);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [...first, ...second, ...third])).violations, []);
});

test('a schedule and a quota that a newer coordinator has kept wait for one: nobody else decides on them, or tells what they are', async () => {
  const config = 'settings:\n  quotas: { over: refuse, tenants: { acme: { open_tasks: 1 } } }\n';
  await using world = await startWorld({ coordinators: 0, config });
  const own = (one: { logged: World['coordinators'][0]['logged'] }) =>
    one.logged(
      'that it owns all',
      ({ msg, owned }) => msg === 'partitions changed hands' && owned === limits.partitions,
      20_000,
    );
  const newest = async (id: string) => {
    const key = `_actor.${actorKindOf(id)}.${partitionOf(id, limits.partitions)}.${id}`;
    return JSON.parse(
      textOf((await world.bus.store(world.names.buckets.tasks).get(key))?.data ?? new Uint8Array()),
    ) as {
      readonly seq: number;
      readonly rules: number;
    };
  };
  const monthly = (name: string) => ({
    name,
    cron: '0 0 1 * *',
    task: { plan: { steps: [{ id: 'a', capability: 'noop' }] } },
  });
  const task = { tenant: 'acme', plan: { steps: [{ id: 'a', capability: 'approval' }] } };

  const old = await world.coordinator();
  await own(old);
  await world.api('schedule.put', monthly('early'));
  assert.equal((await newest('_schedule-early')).rules, rulesVersion);
  await old.stop();

  const next = await world.coordinator(newer);
  await own(next);
  await world.api('schedule.put', monthly('late'));
  const { task_id: held } = await world.submit({ ...task, task_id: 'held' });
  await world.until(held, 'it has leave', ({ status }) => status === 'awaiting_approval');
  await next.stop();
  const kept = { late: await newest('_schedule-late'), tenant: await newest('_tenant-acme') };
  assert.deepEqual([kept.late.rules, kept.tenant.rules], [rulesVersion + 1, rulesVersion + 1]);
  assert.equal((await newest('_schedule-early')).rules, rulesVersion, 'nothing was said to it since');

  const back = await world.coordinator();
  await own(back);
  for (const [door, body] of [
    ['schedule.list', {}],
    ['schedule.delete', { name: 'late' }],
  ] as const)
    await assert.rejects(
      world.api(door, body),
      /unavailable: Nobody is here who can tell: _schedule-late is kept under rules/,
    );
  // Put anew it is said, and heard by nobody yet; what another tenant does, or another schedule, goes on.
  await world.api('schedule.put', { ...monthly('late'), paused: true });
  await world.api('schedule.put', { ...monthly('early'), paused: true });
  const { task_id: waits } = await world.submit({ ...task, task_id: 'waits' });
  const { task_id: free } = await world.submit({ ...task, tenant: 'other' });
  await world.until(waits, 'it waits for leave', ({ status }) => status === 'queued');
  await world.until(free, 'it asks', ({ status }) => status === 'awaiting_approval');
  assert.deepEqual({ late: await newest('_schedule-late'), tenant: await newest('_tenant-acme') }, kept);
  await back.stop();

  await own(await world.coordinator(newer));
  type Listed = { readonly schedules: readonly { readonly name: string; readonly paused?: boolean }[] };
  for (let left = 100; ; left -= 1) {
    const { schedules } = await world.api<Listed>('schedule.list', {});
    assert.deepEqual(
      schedules.map(({ name }) => name),
      ['early', 'late'],
    );
    if (schedules.every(({ paused }) => paused === true)) break;
    assert.ok(left > 0, `what was said meanwhile was not heard: ${JSON.stringify(schedules)}`);
    await world.changeOr(100);
  }
  assert.equal((await world.task(waits)).status, 'queued');
  await world.api('task.cancel', { task_id: held });
  await world.until(waits, 'it has leave', ({ status }) => status === 'awaiting_approval');
  for (const id of [waits, free]) await world.api('task.cancel', { task_id: id });
  await world.allEnded([held, waits, free], 15_000);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [held, waits, free])).violations, []);
});
