// Rules: `when` is a CEL expression; where it is false, the step is skipped, and what depends on it runs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionIssue } from '../expressions/condition.ts';
import { given, step } from '../testing.ts';

const statusWhen = (when: string, more: Record<string, unknown> = {}): string =>
  given({
    plan: { params: { yes: true, n: 3, list: [1, 2], run_tests: true }, steps: [step('a', { when, ...more })] },
  }).step('a').status;

test('a condition that holds lets the step run; one that does not skips it', () => {
  assert.equal(statusWhen('params.run_tests != false'), 'running');
  assert.equal(statusWhen('params.n > 3'), 'skipped');
  assert.equal(statusWhen('params.n * 2 + 1 == 7 && size(params.list) == 2 && params.n % 2 == 1'), 'running');
});

test('what depends on a step that its condition skipped runs', () => {
  const world = given({ plan: { params: { no: false }, steps: [step('a', { when: 'params.no' }), step('b', 'a')] } });
  assert.deepEqual(world.orders(), ['b.1']);
});

test('a condition reads what came before, a skipped step too', () => {
  const steps = [
    step('a', { when: 'false' }),
    step('by-status', 'a', { when: 'steps.a.status == "skipped"' }),
    step('by-output', 'a', { when: 'has(steps.a.output.found)' }),
    step('by-default', 'a', { when: 'steps.a.output.?found.orValue(true)' }),
  ];
  const world = given({ steps });
  assert.deepEqual(world.statuses(), {
    a: 'skipped',
    'by-status': 'running',
    'by-output': 'skipped',
    'by-default': 'running',
  });
});

test('names with a dash are written in brackets', () => {
  const world = given({
    steps: [step('unit-tests'), step('b', 'unit-tests', { when: 'steps["unit-tests"].output.passed > 3' })],
  });
  assert.equal(world.report('unit-tests', { output: { passed: 4 } }).step('b').status, 'running');
});

test('a condition of a family is judged for each member', () => {
  const world = given({ steps: [step('f', { each: { items: [1, 2, 3] }, when: 'each.item != 2 && each.index < 2' })] });
  assert.deepEqual(world.statuses(), { 'f-0': 'running', 'f-1': 'skipped', 'f-2': 'skipped' });
});

test('a condition knows how often a phase went back, from the first round on', () => {
  const plan = {
    phases: [{ name: 'dev', feedback_to: 'dev', max_loops: 1 }],
    steps: [
      step('a', { phase: 'dev', retry: { max_attempts: 1 } }),
      step('late', { phase: 'dev', when: 'loop.dev > 0 && "loop" != "x"' }),
    ],
  };
  const world = given({ plan });
  assert.equal(world.step('late').status, 'skipped');
  assert.equal(world.fail('a').step('late').status, 'running');
});

test('a condition that can not be judged fails the step, and names itself', () => {
  const world = given({ steps: [step('a', { when: 'params.missing == 1' })] });
  assert.equal(world.step('a').error?.code, 'invalid_condition');
  assert.match(world.step('a').error?.message ?? '', /"params\.missing == 1": No such key: missing/);
  assert.equal(world.status, 'failed');
});

test('a condition must give true or false', () => {
  assert.match(given({ steps: [step('a', { when: '1 + 1' })] }).step('a').error?.message ?? '', /gave a number/);
});

test('no condition reaches what a value has not got itself', () => {
  for (const when of ['params.constructor == null', 'has(params.toString)', 'params.__proto__ != null']) {
    const world = given({ plan: { params: {}, steps: [step('a', { when })] } });
    assert.notEqual(world.step('a').status, 'running', when);
  }
});

test('what could take for ever is refused when the plan is checked', () => {
  assert.match(conditionIssue('"aaaa".matches("(a+)+$")') ?? '', /"matches" is not offered/);
  assert.match(conditionIssue('params.a.all(x, params.b.exists(y, y == x))') ?? '', /inside of another loop/);
  assert.equal(conditionIssue('params.a.filter(x, x > 1).all(x, x < 9)'), null);
  assert.match(conditionIssue('params.') ?? '', /is no CEL expression/);
});

test('a list that is too long is not read', () => {
  const world = given({
    plan: {
      params: { list: Array.from({ length: 10_001 }, () => 1) },
      steps: [step('a', { when: '1 in params.list' })],
    },
  });
  assert.match(world.step('a').error?.message ?? '', /holds a list of 10001/);
});
