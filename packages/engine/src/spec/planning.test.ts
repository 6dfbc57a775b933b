// Rules: a task without a plan is planned first. The planner's plan is checked like any other; one that can't be run goes back to the planner.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step, type World } from '../testing.ts';

const planned = (world: World, plan: unknown) => world.report('_plan', { output: { plan } as never });

test('the planner is given the whole request', () => {
  const world = given({ title: 'Add export', constraints: ['no new dependency'] });
  assert.equal(world.status, 'planning');
  const order = world.lastOrder('_plan');
  assert.equal(order.capability, 'plan');
  assert.deepEqual((order.input as { request: unknown }).request, {
    title: 'Add export',
    constraints: ['no new dependency'],
  });
});

test('its plan becomes the plan of the task', () => {
  const world = planned(given({ title: 'Add export' }), {
    params: { n: 1 },
    phases: [{ name: 'p', gate: { min_success_rate: 1 } }],
    steps: [step('a', { phase: 'p', input: { n: '${{ params.n }}' } }), step('b', 'a')],
  });
  assert.deepEqual(world.orders(), ['_plan.1', 'a.1']);
  assert.deepEqual(world.lastOrder('a').input, { n: 1 });
  assert.equal(world.status, 'running');
  assert.ok(world.record.plan_hash !== null);
  assert.equal(world.done('a', 'b').status, 'succeeded');
});

test('a plan that can not be run goes back to the planner with what is wrong', () => {
  const world = planned(given({ title: 'x' }), { steps: [step('a', 'b'), step('b', 'a')] });
  assert.deepEqual([world.step('_plan').status, world.step('_plan').error?.code], ['retrying', 'invalid_plan']);
  world.wake('retry');
  assert.match(world.lastOrder('_plan').last_failure?.message ?? '', /cycle: .* → /);
  assert.equal(planned(world, { steps: [step('a')] }).done('a').status, 'succeeded');
});

test('no plan at all goes back too', () => {
  for (const plan of [undefined, {}, { steps: [] }, { steps: [{ id: '_notify-1', capability: 'x' }] }, 'do it']) {
    assert.equal(planned(given({ title: 'x' }), plan).step('_plan').error?.code, 'invalid_plan');
  }
});

test('a planner that never succeeds fails the task', () => {
  const world = given({ title: 'x' }).fail('_plan').wake('retry').fail('_plan').wake('retry').fail('_plan');
  assert.equal(world.status, 'failed');
  assert.match(world.reason, /step "_plan" failed/);
});

test('a planner that says that it is no use asks a person', () => {
  const world = given({ title: 'x' }).fail('_plan', 'nonsense', { retryable: false });
  assert.equal(world.status, 'awaiting_input');
  assert.deepEqual(world.approve('_plan').ordered(), ['_plan.2']);
});

test('going on without a plan is no choice', () => {
  const world = given({ title: 'x' }).fail('_plan', 'nonsense', { retryable: false }).answer('_plan', 'skip');
  assert.deepEqual(world.ordered(), ['_plan.2']);
  assert.match(world.command('skip', '_plan').ignored ?? '', /Without its plan there is nothing to do/);
});

test('in every failure mode a task that can not be planned ends or waits for a person', () => {
  for (const [on_failure, status] of [
    ['continue', 'failed'],
    ['compensate', 'failed'],
    ['pause', 'paused'],
  ] as const) {
    const world = given({ title: 'x', on_failure, settings: { retry: { max_attempts: 1 } } }).fail('_plan');
    assert.equal(world.status, status);
    assert.deepEqual(world.command('retry').ordered(), ['_plan.2']);
  }
});

test('a plan that is there can not be planned again', () => {
  const world = planned(given({ title: 'x' }), { steps: [step('a')] });
  assert.match(world.command('retry', '_plan').ignored ?? '', /what it gave is part of the plan/);
});

test('a plan over the budget of steps is none', () => {
  const world = planned(given({ title: 'x', budget: { steps: 2 } }), { steps: [step('a'), step('b'), step('c')] });
  assert.match(world.step('_plan').error?.message ?? '', /at most 2 are allowed/);
});

test('a checkpoint must be a step of the plan that came', () => {
  const world = planned(given({ title: 'x', checkpoints: ['merge'] }), { steps: [step('a')] });
  assert.match(world.step('_plan').error?.message ?? '', /no step is named "merge"/);
});
