// Rules: a task that is cancelled starts nothing more. Agents are told and given time; then it is over without their word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

test('what has not begun ends at once; what runs is told, and by when', () => {
  const world = given({ steps: [step('a'), step('b', 'a')] }).command('cancel', undefined, 'changed my mind');
  assert.deepEqual(world.statuses(), { a: 'running', b: 'cancelled' });
  const [told] = world.of('cancel');
  assert.deepEqual(
    [told?.step, told?.attempt, told?.reason, (told?.forceAt ?? 0) - world.at],
    ['a', 1, 'changed my mind', 10_000],
  );
  assert.equal(world.status, 'running');
  assert.match(world.reason, /being cancelled: changed my mind/);
});

test('once the agent has stopped, the task is cancelled', () => {
  const world = given({ steps: [step('a')] })
    .command('cancel')
    .report('a', { outcome: 'cancelled' });
  assert.deepEqual([world.step('a').status, world.status], ['cancelled', 'cancelled']);
  assert.equal(world.record.status_history.at(-1)?.by, 'alice');
});

test('an agent that says nothing in time is not waited for', () => {
  const world = given({ steps: [step('a')] })
    .command('cancel')
    .wake('cancel');
  assert.deepEqual([world.step('a').status, world.status], ['cancelled', 'cancelled']);
  assert.equal(world.step('a').attempts[0]?.outcome, 'lost');
});

test('work that was finished all the same counts', () => {
  const world = given({ steps: [step('a'), step('b', 'a')] })
    .command('cancel')
    .report('a', { output: { n: 1 } });
  assert.deepEqual(world.statuses(), { a: 'succeeded', b: 'cancelled' });
  assert.equal(world.status, 'cancelled');
});

test('a failure while stopping is not tried again', () => {
  assert.equal(
    given({ steps: [step('a')] })
      .command('cancel')
      .fail('a').status,
    'cancelled',
  );
});

test('with nothing running, cancelling is immediate, whatever was waited for', () => {
  const steps = [
    step('ask', { capability: 'input' }),
    step('risky', { risk: 'high' }),
    step('again'),
    step('nowhere', { capability: 'none' }),
  ];
  const world = given({ steps }).fail('again').unrouted('nowhere').command('cancel');
  assert.equal(world.status, 'cancelled');
  assert.deepEqual(new Set(Object.values(world.statuses())), new Set(['cancelled']));
  for (const name of ['ask', 'risky']) assert.equal(world.intervention(name).status, 'withdrawn');
});

test('a decision that comes too late is ignored', () => {
  const world = given({ steps: [step('a', { risk: 'high' })] })
    .command('cancel')
    .approve('a');
  assert.match(world.ignored ?? '', /nothing is asked/);
  assert.deepEqual(world.orders(), []);
});

test('a planner is stopped like anybody, and never tried again', () => {
  assert.equal(given({ title: 'Do it' }).command('cancel').fail('_plan').status, 'cancelled');
});

test('a plan that comes too late is kept, and nothing of it runs', () => {
  const world = given({ title: 'Do it' })
    .command('cancel')
    .report('_plan', { output: { plan: { steps: [step('a')] as never } } });
  assert.deepEqual(world.statuses(), { _plan: 'succeeded', a: 'cancelled' });
  assert.equal(world.status, 'cancelled');
});

test('steps that are added too late never run', () => {
  const world = given({ steps: [step('a')] })
    .command('cancel')
    .report('a', { add_steps: [step('more') as never] });
  assert.deepEqual(world.statuses(), { a: 'succeeded', more: 'cancelled' });
  assert.equal(world.status, 'cancelled');
});

test('cancelling twice is cancelling once', () => {
  const world = given({ steps: [step('a')] })
    .command('cancel')
    .command('cancel');
  assert.match(world.ignored ?? '', /being cancelled already/);
  assert.equal(world.of('cancel').length, 1);
});

test('a task that has ended can not be cancelled', () => {
  assert.match(
    given({ steps: [step('a')] })
      .done('a')
      .command('cancel').ignored ?? '',
    /has ended: it is succeeded/,
  );
});
