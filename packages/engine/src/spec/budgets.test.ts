// Rules: a spent budget is the end of a task, whatever its steps say of their failure; tasks below it share what is left, and never get more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

const tokens = (used: number) => ({ usage: { tokens_in: used } });
const spent = 'the budget of 100 tokens is used up: 600 were used';
const budget = { tokens: 100 };

test('beyond its tokens the task fails and says so, whatever the denied step, the task or a gate says of failures', () => {
  const chain = (more: Record<string, unknown> = {}) => [step('a'), step('b', 'a', more), step('c', 'b', more)];
  const phase = { phases: [{ name: 'p', gate: { min_success_rate: 0.3 } }] };
  for (const said of [
    { steps: chain() },
    { steps: chain({ on_failure: 'skip' }) },
    { steps: chain({ on_failure: 'continue' }) },
    { on_failure: 'continue', steps: chain() } as const,
    { on_failure: 'pause', steps: chain() } as const,
    { plan: { ...phase, steps: [step('a', { phase: 'p' }), step('b', 'a', { phase: 'p' })] } },
  ]) {
    const world = given({ budget, ...said }).report('a', tokens(600));
    assert.deepEqual([world.status, world.reason, world.orders()], ['failed', spent, ['a.1']]);
  }
});

test('what runs is stopped as by a deadline, what waits for a person as well', () => {
  const steps = [step('a'), step('b'), step('c', { risk: 'high' })];
  const world = given({ budget, steps }).report('a', tokens(600));
  assert.match(world.reason, /^stopping: the budget of 100 tokens is used up: 600 were used/);
  assert.deepEqual([world.of('cancel')[0]?.step, world.intervention('c').status], ['b', 'withdrawn']);
  assert.deepEqual([world.wake('cancel').status, world.reason], ['failed', spent]);
});

test('no other plan is asked for, and no other attempt made; what was done is undone where the task says so', () => {
  const steps = [step('a', { undo: { capability: 'noop' } }), step('b', 'a')];
  assert.deepEqual(
    given({ budget, replan: { max: 2 }, steps })
      .report('a', tokens(600))
      .orders(),
    ['a.1'],
  );
  const failed = given({ budget, replan: { max: 2 }, steps }).report('a', {
    ...tokens(600),
    error: { code: 'flaky', message: 'x' },
  });
  assert.deepEqual([failed.status, failed.reason, failed.orders()], ['failed', spent, ['a.1']]);
  const undone = given({ budget, on_failure: 'compensate', steps }).report('a', tokens(600));
  assert.deepEqual(undone.ordered(), ['_undo-a.1']);
  assert.equal(undone.done('_undo-a').reason, spent);
});

test('where nothing is left to be done, all went well; work that is done may still be checked', () => {
  assert.equal(given({ budget, steps: [step('a')] }).report('a', tokens(600)).status, 'succeeded');
  const checked = given({ budget, steps: [step('a', { verify: [{ command: ['true'] }] })] }).report('a', tokens(600));
  assert.equal(checked.report('a', { output: { passed: true, checks: [] } }).status, 'succeeded');
});

test('under earlier rules a step that may fail fails alone', () => {
  const steps = [step('a'), step('b', 'a', { on_failure: 'skip' })];
  assert.equal(given({ rules: 2, budget, steps }).report('a', tokens(600)).status, 'succeeded');
});

const plan = (size: number) => ({ steps: Array.from({ length: size }, (_, at) => step(`x${at}`)) });
const child = (id: string, size = 1, more: Record<string, unknown> = {}) =>
  step(id, { capability: 'task', input: { title: 'A part', plan: plan(size) }, ...more });
const got = (world: ReturnType<typeof given>, what: 'tokens' | 'steps') =>
  world.of('spawn').map(({ request }) => request.budget?.[what]);

test('tasks below that begin together share the tokens that are left', () => {
  const world = given({ budget, steps: [child('a'), child('b'), child('c')] });
  assert.deepEqual(got(world, 'tokens'), [33, 33, 34]);
  const own = { capability: 'task', input: { title: 'x', plan: plan(1), budget: { tokens: 5 } } };
  assert.deepEqual(got(given({ budget, steps: [step('a', own), child('b')] }), 'tokens'), [5, 95]);
});

test('one that finds everything given away waits until another one has ended, and gets what that left', () => {
  const world = given({ budget, steps: [child('a'), step('s'), child('b', 1, { depends_on: ['s'] })] });
  assert.deepEqual(got(world.done('s'), 'tokens'), [100]);
  assert.deepEqual([world.step('b').status, world.status], ['ready', 'running']);
  assert.match(world.step('b').waiting_for ?? '', /other tasks below this one have what is left of the budget/);
  assert.deepEqual(got(world.childEnds('a', tokens(30)), 'tokens'), [100, 70]);
});

test('steps are shared as tokens are, each task below getting at least those of its plan', () => {
  assert.deepEqual(got(given({ budget: { steps: 10 }, steps: [child('a', 5), child('b')] }), 'steps'), [5, 3]);
  const tooMany = given({ budget: { steps: 3 }, steps: [child('a', 5)] });
  assert.match(tooMany.step('a').error?.message ?? '', /has 5 steps, .*; at most 2 are allowed/);
  assert.equal(got(tooMany, 'steps').length, 0);
  assert.equal(given({ budget: { steps: 1 }, steps: [child('a')] }).step('a').error?.code, 'denied_by_budget');
});

test('a task that ends gives back the steps that it did not need, and says how many it had', () => {
  const parent = { task_id: 'p', step_id: 's', attempt: 1, depth: 1, depth_max: 8, key: 'k' };
  const below = given({ parent, budget: { steps: 9 }, steps: [step('x'), step('y')] }).done('x', 'y');
  assert.equal(below.of('inform')[0]?.report.usage?.['steps'], 2);
  const world = given({ budget: { steps: 10 }, steps: [child('a'), child('b', 1, { depends_on: ['a'] })] });
  world.childEnds('a', { usage: { steps: 2 } as never });
  assert.deepEqual(got(world, 'steps'), [8, 6]);
});
