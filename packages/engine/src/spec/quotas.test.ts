// Rules: a task of a tenant, or a requester, with a quota of open tasks asks for leave, and waits as "queued" until there is room. Leave goes by
// priority, which grows with the time waited, then by who asked first; it is given back by the decision that ends the task.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings, limits, type Quota } from '@capstan/contracts';
import { tenant, type TenantState } from '../actors/tenant.ts';
import { ActorWorld } from '../actors/testing.ts';
import { given, step } from '../testing.ts';

const quotas = (quota: Quota, more: object = {}) => ({
  ...defaultSettings,
  quotas: { over: 'queue' as const, tenant: quota, ...more },
});
const two = quotas({ open_tasks: 2 });
const said = (world: ReturnType<typeof given>) => world.of('say').map(({ to, name }) => `${to} ${name[0]} ${name[1]}`);

test('without a quota nobody is asked', () => {
  const world = given({ tenant: 'acme', steps: [step('a')] }).done('a');
  assert.deepEqual([said(world), world.status], [[], 'succeeded']);
});

test('with one: queued until the tenant says that there is room, and given back at the end', () => {
  const world = given({ settings: two, tenant: 'acme', priority: 'high', requester: 'bob', steps: [step('a')] });
  assert.deepEqual([world.status, world.orders(), said(world)], ['queued', [], ['_tenant-acme wants t1']]);
  assert.deepEqual(world.of('say')[0]?.body, {
    tenant: 'acme',
    requester: 'bob',
    level: 1,
    tenant_most: 2,
    requester_most: null,
  });
  assert.match(world.step('a').waiting_for ?? '', /room for it: tenant "acme"/);
  assert.deepEqual([world.told('granted', []).orders(), world.status], [['a.1'], 'running']);
  world.done('a');
  assert.deepEqual(said(world), ['_tenant-acme wants t1', '_tenant-acme returned t1']);
});

test('a task that is to be planned waits with its planning', () => {
  const world = given({ settings: two, title: 'Mend it' });
  assert.deepEqual([world.status, world.orders()], ['queued', []]);
  assert.deepEqual([world.told('granted', []).status, world.orders()], ['planning', ['_plan.1']]);
});

test('what else holds a task holds it still once there is room', () => {
  const world = given({ settings: two, start: false, steps: [step('a')] }).told('granted', []);
  assert.deepEqual([world.status, world.command('start').orders()], ['planned', ['a.1']]);
});

test('cancelled while it waits: it ends, and asks no more', () => {
  const world = given({ settings: two, steps: [step('a')] }).command('cancel');
  assert.deepEqual([world.status, said(world).at(-1)], ['cancelled', '_tenant-default returned t1']);
  assert.match(world.told('granted', []).ignored ?? '', /waits for no leave/);
});

test('a deadline passes while it waits as well', () => {
  const world = given({ settings: two, deadline: '2026-01-02T00:00:00Z', steps: [step('a')] }).wake('deadline');
  assert.equal(world.status, 'failed');
});

test('a sub-task waits for no leave, or its parent would wait for itself; but it counts, and gives its room back', () => {
  const parent = { task_id: 'p', step_id: 's', attempt: 1, depth: 1, depth_max: 8, key: 'k' };
  const world = given({ settings: two, parent, steps: [step('a')] });
  assert.deepEqual([world.orders(), world.status, said(world)], [['a.1'], 'running', ['_tenant-default wants t1']]);
  assert.equal(world.of('say')[0]?.body['waits'], false);
  assert.deepEqual(said(world.done('a')), ['_tenant-default wants t1', '_tenant-default returned t1']);
});

test('a person brings it back: it needs no leave a second time', () => {
  const world = given({ settings: two, steps: [step('a', { retry: { max_attempts: 1 } })] })
    .told('granted', [])
    .fail('a');
  assert.deepEqual([world.status, world.command('retry').ordered()], ['failed', ['a.2']]);
  assert.equal(said(world.done('a')).filter((one) => !one.startsWith('_breaker')).length, 2);
});

class Tenant extends ActorWorld<TenantState> {
  readonly #most: number | null;
  constructor(most: number | null) {
    super(tenant);
    this.#most = most;
  }
  wants(task: string, { requester = 'bob', level = 2, most = null as number | null, waits = true } = {}): this {
    const limits = { tenant_most: this.#most, requester_most: most, ...(waits ? {} : { waits }) };
    return this.tell('wants', [task], { tenant: 'acme', requester, level, task_id: task, task_key: 'k', ...limits });
  }
  returns(task: string): this {
    return this.tell('returned', [task]);
  }
  get granted(): string[] {
    return this.of('tell').map(({ to }) => to.task);
  }
}

test('as many as the quota says have leave; the next one gets what is given back', () => {
  const world = new Tenant(2).wants('a').wants('b').wants('c');
  assert.deepEqual([Object.keys(world.state.open), world.granted], [['a', 'b'], []]);
  assert.deepEqual(world.returns('a').granted, ['c']);
  assert.deepEqual(world.returns('b').granted, []);
});

test('parts of what is open take room beyond the quota, and nobody else gets leave until that is given back', () => {
  const world = new Tenant(2).wants('a').wants('part', { waits: false }).wants('more', { waits: false });
  assert.deepEqual([Object.keys(world.state.open), world.granted], [['a', 'part', 'more'], []]);
  assert.deepEqual(world.wants('b').granted, []);
  assert.deepEqual([world.returns('part').granted, world.returns('more').granted], [[], ['b']]);
});

test('the most urgent first, then who asked first', () => {
  const world = new Tenant(1).wants('a').wants('b').wants('c').wants('d', { level: 0 });
  assert.deepEqual([world.returns('a').granted, world.returns('d').granted], [['d'], ['b']]);
});

test('nothing starves: what waits goes up by one priority after the other', () => {
  const world = new Tenant(1).wants('a').wants('low', { level: 3 });
  for (let round = 1; round <= 3; round += 1) {
    world.wants(`urgent${round}`, { level: 0 });
    world.later(limits.ageingMs).returns(round === 1 ? 'a' : `urgent${round - 1}`);
    if (round < 3) assert.deepEqual(world.granted, [`urgent${round}`]);
  }
  assert.deepEqual(world.granted, ['low'], 'as urgent by now, and before the other');
});

test('a tenant of older rules goes by priority alone, and keeps no times', () => {
  let state: TenantState = tenant.begin;
  let seq = 0;
  const tell = (kind: string, task: string, level = 0): readonly string[] => {
    seq += 1;
    const body = { tenant: 'acme', tenant_most: 1, level, task_id: task, task_key: 'k' };
    const at = seq * 10 * limits.ageingMs;
    const decision = tenant.decide(state, { id: 'x', seq, at, kind, name: [task], body, rules: 2 });
    ({ state } = decision);
    return decision.effects.flatMap((effect) => (effect.kind === 'tell' ? [effect.to.task] : []));
  };
  tell('wants', 'a');
  tell('wants', 'low', 3);
  tell('wants', 'urgent');
  assert.ok(!state.waiting.some((wish) => 'since' in wish));
  assert.deepEqual(tell('returned', 'a'), ['urgent']);
});

test('each requester has a quota of its own, and does not hold up the others', () => {
  const world = new Tenant(null).wants('a', { most: 1 }).wants('b', { most: 1 });
  assert.deepEqual(world.granted, []);
  assert.deepEqual(world.wants('c', { requester: 'eve', most: 1 }).granted, ['c']);
  assert.deepEqual(world.returns('a').granted, ['b']);
});

test('asked twice, or given back while it waited: once', () => {
  const world = new Tenant(1).wants('a').wants('b');
  assert.equal(world.wants('a').ignored, 'a has asked before');
  assert.equal(world.returns('b').ignored, null);
  assert.deepEqual(world.returns('a').granted, []);
  assert.deepEqual(world.state.open, {});
});

test('a task that ends as soon as it began: given back before it is heard that it asked, it gets nothing to keep', () => {
  const world = new Tenant(1).returns('a').wants('a');
  assert.deepEqual([world.granted, world.state.open, world.state.early], [[], {}, undefined]);
  assert.deepEqual(world.wants('b').granted, ['b']);
});
