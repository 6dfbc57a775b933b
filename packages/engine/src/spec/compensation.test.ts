// Rules: `on_failure: compensate` undoes what succeeded, the last one first, one after the other, and only then has the task failed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step, type World } from '../testing.ts';

const once = { retry: { max_attempts: 1 } };
const undo = { undo: { capability: 'shell', input: { delete: '${{ steps.a.output.id }}' } } };
const steps = [step('a', undo), step('b', 'a', { undo: { capability: 'noop' } }), step('c', 'b', once)];

const failed = (): World =>
  given({ on_failure: 'compensate', steps })
    .report('a', { output: { id: 'i-1' } })
    .later(1_000)
    .done('b')
    .fail('c');

test('what succeeded is undone in reverse order, with what it gave', () => {
  const world = failed();
  assert.deepEqual(world.ordered(), ['_undo-b.1']);
  assert.equal(world.status, 'running');
  world.done('_undo-b');
  assert.deepEqual(world.ordered(), ['_undo-a.1']);
  assert.deepEqual(world.lastOrder('_undo-a').input, { delete: 'i-1' });
  world.done('_undo-a');
  assert.equal(world.status, 'failed');
  assert.match(world.reason, /step "c" failed/);
});

test('one that can not be undone is put aside, and the others are undone all the same', () => {
  const world = failed().fail('_undo-b', 'gone', { retryable: false });
  assert.equal(world.of('bury').at(-1)?.step, '_undo-b');
  assert.deepEqual(world.ordered(), ['_undo-a.1']);
});

test('undoing is tried as often as anything', () => {
  assert.deepEqual(failed().fail('_undo-b').wake('retry').ordered(), ['_undo-b.2']);
});

test('undoing goes on after a deadline, and stops where a person cancels', () => {
  const world = failed().command('cancel');
  assert.deepEqual(world.of('cancel').at(-1)?.step, '_undo-b');
  world.fail('_undo-b');
  assert.deepEqual(world.statuses(), {
    a: 'succeeded',
    b: 'succeeded',
    c: 'failed',
    '_undo-b': 'cancelled',
    '_undo-a': 'cancelled',
  });
  assert.equal(world.status, 'cancelled');
});

test('a task that is cancelled is not undone', () => {
  const world = given({ on_failure: 'compensate', steps })
    .done('a')
    .command('cancel')
    .report('b', { outcome: 'cancelled' });
  assert.equal(world.status, 'cancelled');
  assert.deepEqual(world.orders(), ['a.1', 'b.1']);
});

test('each member of a family is undone by itself', () => {
  const family = [
    step('f', { each: { items: ['x', 'y'] }, undo: { capability: 'noop', input: { of: '${{ each.item }}' } } }),
    step('z', 'f', once),
  ];
  const world = given({ on_failure: 'compensate', steps: family }).done('f-0', 'f-1').fail('z').done('_undo-f-1');
  assert.deepEqual(world.lastOrder('_undo-f-0').input, { of: 'x' });
});

test('retried after it was undone, a task does again what was undone, and can be undone again', () => {
  const world = failed().done('_undo-b', '_undo-a').command('retry');
  assert.deepEqual(world.ordered(), ['a.2']);
  world
    .report('a', { output: { id: 'i-2' } })
    .done('b')
    .fail('c');
  assert.deepEqual(world.ordered(), ['_undo2-b.1']);
  world.done('_undo2-b');
  assert.deepEqual(world.lastOrder('_undo2-a').input, { delete: 'i-2' });
  assert.equal(world.done('_undo2-a').status, 'failed');
});

test('what could not be undone is not done again', () => {
  const world = failed().done('_undo-b').fail('_undo-a', 'gone', { retryable: false }).command('retry');
  assert.deepEqual(world.ordered(), ['b.2']);
});

test('a retry that comes in the middle waits until everything is undone', () => {
  const world = failed().command('retry', 'c');
  assert.match(world.reason, /stopping, then going back/);
  assert.deepEqual(world.done('_undo-b').ordered(), ['_undo-a.1']);
  assert.deepEqual(world.done('_undo-a').ordered(), ['a.2']);
  assert.equal(world.done('a', 'b', 'c').status, 'succeeded');
});

test('a dead letter of undoing is undone again, and nothing else begins', () => {
  const world = failed().fail('_undo-b', 'gone', { retryable: false }).done('_undo-a');
  assert.equal(world.status, 'failed');
  assert.deepEqual(world.redrive('_undo-b').ordered(), ['_undo-b.2']);
  assert.equal(world.done('_undo-b').status, 'failed');
});

test('once the task has gone on, nothing of before is undone any more', () => {
  const world = failed()
    .fail('_undo-b', 'gone', { retryable: false })
    .done('_undo-a')
    .command('retry')
    .redrive('_undo-b');
  assert.match(world.ignored ?? '', /gone on since/);
});

test('a task with nothing to undo has failed at once', () => {
  assert.equal(given({ on_failure: 'compensate', steps: [step('a', once)] }).fail('a').status, 'failed');
});

test('undoing what many steps did needs little room in the record of the task', () => {
  const many = [step('f', { each: { count: 300 }, undo: { capability: 'noop' } }), step('z', 'f', once)];
  const world = given({ on_failure: 'compensate', steps: many });
  for (let n = 0; n < 300; n += 1) world.done(`f-${n}`);
  world.fail('z');
  assert.deepEqual(world.ordered(), ['_undo-f-299.1']);
  assert.ok(JSON.stringify(world.state?.additions).length < 2_000);
});

test('an undo step is done where its step was done', () => {
  const steps = [step('a', { needs: { os: 'linux' }, undo: { capability: 'noop' } }), step('b', 'a', once)];
  const world = given({ on_failure: 'compensate', steps }).routed('a', 'farm').done('a').fail('b');
  assert.deepEqual(
    world.of('route').map(({ step: of, needs }) => [of, needs]),
    [
      ['a', { os: 'linux' }],
      ['_undo-a', { os: 'linux' }],
    ],
  );
});

test('of steps that ended in the same moment the one that depends on the other is undone first, wherever they stand in the plan', () => {
  const undo = { undo: { capability: 'noop' } };
  const last = (...on: string[]) => step('boom', ...on, { retry: { max_attempts: 1 } });
  const steps = [step('late', 'early', undo), step('early', undo), last('late')];
  const order = (more: object) =>
    given({ on_failure: 'compensate', ...more })
      .done('early')
      .done('late')
      .fail('boom')
      .ordered();
  assert.deepEqual(order({ steps }), ['_undo-late.1']);
  assert.deepEqual(order({ rules: 2, steps }), ['_undo-early.1']);
  const [build, ship] = [{ phase: 'build' }, { phase: 'ship' }];
  const phased = [
    step('late', undo, ship),
    step('early', undo, build),
    step('boom', 'late', { ...ship, retry: { max_attempts: 1 } }),
  ];
  assert.deepEqual(order({ plan: { phases: [{ name: 'build' }, { name: 'ship' }], steps: phased } }), ['_undo-late.1']);
});
