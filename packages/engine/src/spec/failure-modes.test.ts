// Rules: what one failure does to the task. The step's own `on_failure` comes first: `skip`, `continue`; where it says `fail`, the task's decides:
// stop, continue, pause, compensate.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

const once = { retry: { max_attempts: 1 } };
const abc = (a: Record<string, unknown>) => [step('a', once, a), step('b', 'a'), step('other'), step('later', 'other')];

test('stop: nothing more is started, what runs is told to stop', () => {
  const world = given({ steps: abc({}) }).fail('a');
  assert.deepEqual(world.statuses(), { a: 'failed', b: 'skipped', other: 'running', later: 'cancelled' });
  assert.deepEqual(
    world.of('cancel').map(({ step: of, reason }) => [of, reason]),
    [['other', 'another step failed']],
  );
  assert.match(world.reason, /stopping: step "a" failed/);
  assert.equal(world.report('other', { outcome: 'cancelled' }).status, 'failed');
});

test('continue: what does not depend on it goes on; the task has failed in the end', () => {
  const world = given({ on_failure: 'continue', steps: abc({}) })
    .fail('a')
    .done('other', 'later');
  assert.deepEqual(world.statuses(), { a: 'failed', b: 'skipped', other: 'succeeded', later: 'succeeded' });
  assert.equal(world.status, 'failed');
});

test('pause: nothing more is started until somebody has looked', () => {
  const world = given({ on_failure: 'pause', steps: abc({}) })
    .fail('a')
    .done('other');
  assert.equal(world.status, 'paused');
  assert.match(world.step('later').waiting_for ?? '', /paused because step "a" failed/);
  assert.deepEqual(world.command('retry').ordered().toSorted(), ['a.2', 'later.1']);
  assert.equal(world.done('a', 'b', 'later').status, 'succeeded');
});

test('pause: resumed as it is, the rest goes on and the task has failed', () => {
  const world = given({ on_failure: 'pause', steps: abc({}) })
    .fail('a')
    .done('other')
    .command('resume')
    .done('later');
  assert.equal(world.status, 'failed');
});

test('pause: a task with nothing left to do waits all the same, and pausing it by hand does not end it', () => {
  const world = given({ on_failure: 'pause', steps: [step('a', once)] }).fail('a');
  assert.equal(world.status, 'paused');
  assert.match(world.command('pause').ignored ?? '', /paused because step "a" failed/);
  assert.equal(world.status, 'paused');
  assert.equal(world.command('resume').status, 'failed');
});

test('a step that may be missing: what depends on it runs, and the task succeeds', () => {
  const world = given({ steps: abc({ on_failure: 'skip' }) })
    .fail('a')
    .done('b', 'other', 'later');
  assert.deepEqual(world.statuses(), { a: 'skipped', b: 'succeeded', other: 'succeeded', later: 'succeeded' });
  assert.equal(world.of('bury').length, 1);
  assert.equal(world.status, 'succeeded');
});

test('a step whose failure is no matter: what depends on it is skipped, the rest goes on, and the task succeeds', () => {
  const world = given({ steps: abc({ on_failure: 'continue' }) })
    .fail('a')
    .done('other', 'later');
  assert.deepEqual(world.statuses(), { a: 'failed', b: 'skipped', other: 'succeeded', later: 'succeeded' });
  assert.equal(world.status, 'succeeded');
});

test('a failure that comes with the start of a step stops everything as well', () => {
  const steps = [step('a'), step('bad', 'a', { when: '1' }), step('slow'), step('after-slow', 'slow'), step('x', 'a')];
  const world = given({ steps }).done('a');
  assert.deepEqual(world.statuses(), {
    a: 'succeeded',
    bad: 'failed',
    slow: 'running',
    'after-slow': 'cancelled',
    x: 'cancelled',
  });
  assert.equal(world.report('slow', { outcome: 'cancelled' }).status, 'failed');
});

test('a failure that nothing tolerates is not escalated where the step says that it does not matter', () => {
  const world = given({ steps: [step('a', { on_failure: 'skip' })] }).fail('a', 'odd', { retryable: false });
  assert.deepEqual(world.of('ask'), []);
  assert.equal(world.of('bury')[0]?.reason, 'not_retryable');
  assert.equal(world.status, 'succeeded');
});
