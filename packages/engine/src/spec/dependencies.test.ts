// Rules: what runs when. Steps that wait for nothing run at once and side by side; the others wait for what they depend on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

test('steps that depend on nothing are ordered at once, side by side', () => {
  const world = given({ steps: [step('a'), step('b'), step('c', 'a', 'b')] });
  assert.deepEqual(world.orders(), ['a.1', 'b.1']);
  assert.equal(world.step('c').status, 'pending');
  assert.equal(world.step('c').waiting_for, 'a, b to end');
});

test('a step is ordered once everything that it depends on has succeeded', () => {
  const world = given({ steps: [step('a'), step('b'), step('c', 'a', 'b')] });
  assert.deepEqual(world.done('a').ordered(), []);
  assert.deepEqual(world.done('b').ordered(), ['c.1']);
});

test('a task succeeds when its last step does, and gives what that step gave', () => {
  const world = given({ steps: [step('a'), step('b', 'a')] })
    .done('a')
    .report('b', { output: { built: true } });
  assert.equal(world.status, 'succeeded');
  assert.deepEqual(world.record.result, { built: true });
});

test('several last steps give their outputs by name', () => {
  const world = given({ steps: [step('a'), step('b')] })
    .report('a', { output: { x: 1 } })
    .report('b', { output: { y: 2 } });
  assert.deepEqual(world.record.result, { a: { x: 1 }, b: { y: 2 } });
});

test('an order brings what the step depends on, and nothing else', () => {
  const world = given({ steps: [step('a'), step('other'), step('b', 'a')] })
    .report('other', { output: { secret: true } })
    .report('a', {
      output: { n: 1 },
      artifacts: [{ name: 'report.xml', size: 3, sha256: 'abc', ref: 'capstan_artifacts/t1/a/1/report.xml' }],
    });
  const { context } = world.lastOrder('b');
  assert.deepEqual(context.outputs, { a: { n: 1 } });
  assert.deepEqual(
    context.artifacts.map(({ name, step: of }) => [name, of]),
    [['report.xml', 'a']],
  );
});

test('what depends on a step that failed is skipped, and says why', () => {
  const world = given({
    on_failure: 'continue',
    steps: [step('a', { retry: { max_attempts: 1 } }), step('b', 'a'), step('c', 'b'), step('d')],
  });
  world.fail('a').done('d');
  assert.deepEqual(world.statuses(), { a: 'failed', b: 'skipped', c: 'skipped', d: 'succeeded' });
  assert.equal(world.step('b').error?.code, 'dependency_failed');
  assert.equal(world.status, 'failed');
  assert.match(world.reason, /step "a" failed with flaky/);
});

test('a chain of 10,000 steps is skipped whole when its first step fails', () => {
  const steps = Array.from({ length: 10_000 }, (_, at) =>
    step(`s${at}`, ...(at === 0 ? [{ retry: { max_attempts: 1 } }] : [`s${at - 1}`])),
  );
  const world = given({ on_failure: 'continue', steps }).fail('s0');
  assert.deepEqual(world.record.counts, { failed: 1, skipped: 9_999 });
  assert.equal(world.status, 'failed');
});

test('a plan without any member to run succeeds at once', () => {
  assert.equal(given({ steps: [step('none', { each: { items: [] } })] }).status, 'succeeded');
});
