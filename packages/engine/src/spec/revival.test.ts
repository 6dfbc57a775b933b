// Rules: a person brings back what has ended: a retry, a skip, a redriven dead letter. What depends on it is done again; what succeeded otherwise
// is left alone. While a task is still stopping, going back waits until it stands still.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

const once = { retry: { max_attempts: 1 } };
const chain = [step('a'), step('b', 'a', once), step('c', 'b')];

test('a failed task is retried where it failed; what had succeeded is not done again', () => {
  const world = given({ steps: chain }).done('a').fail('b');
  assert.equal(world.status, 'failed');
  world.command('retry');
  assert.deepEqual(world.ordered(), ['b.2']);
  assert.equal(world.record.finished_at, null);
  assert.equal(world.done('b', 'c').status, 'succeeded');
  assert.deepEqual(
    world.record.status_history.map(({ status }) => status),
    ['running', 'failed', 'running', 'succeeded'],
  );
});

test('a retry has all its attempts again, under numbers that go on', () => {
  const world = given({ steps: [step('a')] })
    .fail('a')
    .wake('retry')
    .fail('a')
    .wake('retry')
    .fail('a')
    .command('retry');
  assert.deepEqual(world.fail('a').wake('retry').fail('a').wake('retry').fail('a').orders(), [
    'a.1',
    'a.2',
    'a.3',
    'a.4',
    'a.5',
    'a.6',
  ]);
  assert.equal(world.of('bury').length, 2);
});

test('a redriven dead letter is a fresh attempt, and its workflow goes on', () => {
  const world = given({ steps: chain }).done('a').fail('b').redrive('b');
  assert.deepEqual(world.ordered(), ['b.2']);
  assert.equal(world.done('b', 'c').status, 'succeeded');
  assert.match(world.redrive('b').ignored ?? '', /"b" is succeeded; there is nothing to redrive/);
});

test('a failed step is skipped by hand, and what depends on it runs', () => {
  const world = given({ steps: chain }).done('a').fail('b').command('skip', 'b');
  assert.deepEqual(world.statuses(), { a: 'succeeded', b: 'skipped', c: 'running' });
  assert.equal(world.step('b').error?.message, 'alice skipped it, after flaky: flaky!.');
  assert.equal(world.done('c').status, 'succeeded');
});

test('a step that runs is skipped: its agent is told, and the rest goes on', () => {
  const world = given({ steps: chain }).command('skip', 'a');
  assert.equal(world.of('cancel')[0]?.reason, 'skipped by alice');
  assert.deepEqual(world.ordered(), ['b.1']);
});

test('retrying a step that succeeded does again all that depends on it, and stops what runs of that', () => {
  const world = given({ steps: chain }).done('a').command('retry', 'a');
  assert.deepEqual(
    world.of('cancel').map(({ step: of }) => of),
    ['b'],
  );
  assert.deepEqual(world.statuses(), { a: 'running', b: 'pending', c: 'pending' });
  assert.deepEqual(world.done('a').ordered(), ['b.2']);
});

test('a step that waits for its next attempt gets it now', () => {
  const world = given({ steps: [step('a')] })
    .fail('a')
    .command('retry', 'a');
  assert.deepEqual(world.ordered(), ['a.2']);
  assert.throws(() => world.timer('retry'));
});

test('what runs, waits its turn or is unknown is not retried', () => {
  const world = given({ steps: chain });
  assert.match(world.command('retry', 'a').ignored ?? '', /"a" is running/);
  assert.match(world.command('retry', 'c').ignored ?? '', /"c" is pending/);
  assert.match(world.command('retry', 'nobody').ignored ?? '', /No step is named/);
  assert.match(world.command('retry').ignored ?? '', /No step failed/);
  assert.match(world.command('skip', 'nobody').ignored ?? '', /No step is named/);
});

test('a cancelled task goes on where it stopped', () => {
  const world = given({ steps: chain }).done('a').command('cancel').wake('cancel');
  assert.equal(world.status, 'cancelled');
  assert.deepEqual(world.command('retry').ordered(), ['b.2']);
  assert.equal(world.done('b', 'c').status, 'succeeded');
});

test('while a task is stopping, a retry waits until it stands still, and then everything goes on', () => {
  const world = given({ steps: [step('a', once), step('slow'), step('after', 'slow')] })
    .fail('a')
    .redrive('a');
  assert.deepEqual(world.ordered(), []);
  assert.match(world.reason, /stopping, then going back/);
  world.wake('cancel');
  assert.deepEqual(world.ordered().toSorted(), ['a.2', 'slow.2']);
  assert.equal(world.done('a', 'slow', 'after').status, 'succeeded');
});

test('an agent that finishes after all while the task stops is not asked again', () => {
  const world = given({ steps: [step('a', once), step('slow'), step('after', 'slow')] })
    .fail('a')
    .command('retry', 'a')
    .done('slow');
  assert.deepEqual(world.ordered().toSorted(), ['a.2', 'after.1']);
});

test('cancelling takes back a retry that waits', () => {
  const world = given({ steps: [step('a', once), step('slow')] })
    .fail('a')
    .command('retry')
    .command('cancel')
    .wake('cancel');
  assert.equal(world.status, 'cancelled');
});

test('a retry moves on whatever a failure had paused', () => {
  const world = given({ on_failure: 'pause', steps: [step('a', once), step('x'), step('y', 'x')] })
    .fail('a')
    .done('x')
    .command('retry', 'a');
  assert.deepEqual(world.ordered().toSorted(), ['a.2', 'y.1']);
});

test('a retried task has its deadline again if that is still to come, and its wall time anew', () => {
  const world = given({ deadline: '2026-01-02T00:00:00Z', budget: { wall_ms: 5_000 }, steps: [step('a', once)] })
    .fail('a')
    .later(1_000)
    .command('retry');
  assert.equal(world.timer('deadline').at, Date.UTC(2026, 0, 2));
  assert.equal(world.timer('budget').at - world.at, 5_000);
});

test('a gate that tolerates failures still does after a retry', () => {
  const plan = {
    phases: [{ name: 'p', gate: { min_success_rate: 0.5 } }],
    steps: [step('a', once, { phase: 'p' }), step('b', { phase: 'p' }), step('c', 'p', once)],
  };
  const world = given({ plan }).fail('a').done('b').fail('c');
  assert.equal(world.status, 'failed');
  assert.deepEqual(world.command('retry', 'c').ordered(), ['c.2']);
  assert.equal(world.done('c').status, 'succeeded');
});

test('skipping what kept a gate shut opens it', () => {
  const plan = {
    phases: [{ name: 'p', gate: { min_success_rate: 1 } }, { name: 'q' }],
    steps: [step('a', once, { phase: 'p' }), step('b', { phase: 'p' }), step('c', { phase: 'q' })],
  };
  const world = given({ plan }).done('b').fail('a');
  assert.equal(world.status, 'failed');
  assert.deepEqual(world.command('skip', 'a').ordered(), ['c.1']);
});

test('one member of a family is retried by its name', () => {
  const world = given({ on_failure: 'continue', steps: [step('f', { each: { count: 3 } }, once), step('join', 'f')] })
    .fail('f-1')
    .done('f-0', 'f-2');
  assert.equal(world.status, 'failed');
  assert.deepEqual(world.command('retry', 'f-1').ordered(), ['f-1.2']);
  assert.deepEqual(world.done('f-1').ordered(), ['join.1']);
});

test('skipping a step of a cancelled task does not bring it back', () => {
  const world = given({ on_failure: 'continue', steps: [step('a', once), step('b')] })
    .fail('a')
    .command('cancel')
    .wake('cancel')
    .command('skip', 'a');
  assert.match(world.ignored ?? '', /"a" has ended: it is failed/);
  assert.equal(world.status, 'cancelled');
});
