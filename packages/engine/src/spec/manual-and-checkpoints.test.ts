// Rules: `start: false` plans and waits; in manual mode a person starts each step; before a checkpoint the task pauses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

test('"start": false waits as planned until somebody starts it', () => {
  const world = given({ start: false, steps: [step('a'), step('b')] });
  assert.deepEqual([world.status, world.orders()], ['planned', []]);
  assert.equal(world.step('a').waiting_for, 'somebody to start it: capstan start t1');
  assert.deepEqual(world.command('start').ordered(), ['a.1', 'b.1']);
});

test('starting one step of a planned task starts the task', () => {
  const world = given({ start: false, steps: [step('a'), step('b')] }).command('start', 'a');
  assert.deepEqual(world.ordered().toSorted(), ['a.1', 'b.1']);
});

test('without a plan, "start": false plans first', () => {
  const world = given({ title: 'Do it', start: false });
  assert.deepEqual(world.orders(), ['_plan.1']);
  world.report('_plan', { output: { plan: { steps: [step('a')] as never } } });
  assert.equal(world.status, 'planned');
  assert.deepEqual(world.command('start').ordered(), ['a.1']);
});

test('in manual mode each step waits for a person', () => {
  const world = given({ mode: 'manual', steps: [step('a'), step('b', 'a')] });
  assert.deepEqual([world.status, world.orders()], ['planned', []]);
  assert.equal(world.step('a').waiting_for, 'somebody to start it: capstan start t1 --step a');
  assert.deepEqual(world.command('start', 'a').ordered(), ['a.1']);
  world.done('a');
  assert.deepEqual([world.status, world.step('b').status], ['paused', 'ready']);
  assert.equal(world.command('start', 'b').done('b').status, 'succeeded');
});

test('in manual mode a start without a name starts all that is ready', () => {
  assert.deepEqual(
    given({ mode: 'manual', steps: [step('a'), step('b')] })
      .command('start')
      .ordered(),
    ['a.1', 'b.1'],
  );
});

test('a retry is not another start; a round of a loop is', () => {
  const plan = {
    phases: [{ name: 'p', feedback_to: 'p' }],
    steps: [step('a', { phase: 'p', retry: { max_attempts: 2 } })],
  };
  const world = given({ mode: 'manual', plan }).command('start').fail('a').wake('retry');
  assert.deepEqual(world.ordered(), ['a.2']);
  world.fail('a');
  assert.equal(world.step('a').status, 'ready');
  assert.deepEqual(world.command('start', 'a').ordered(), ['a.3']);
});

test('what is not ready can not be started', () => {
  const world = given({ mode: 'manual', steps: [step('a'), step('b', 'a')] });
  assert.match(world.command('start', 'b').ignored ?? '', /"b" is not ready/);
  assert.match(world.command('start', 'nobody').ignored ?? '', /"nobody" is not ready/);
});

test('before a checkpoint the task pauses, whole', () => {
  const world = given({ checkpoints: ['merge'], steps: [step('a'), step('merge', 'a'), step('b', 'merge')] }).done('a');
  assert.deepEqual([world.status, world.orders()], ['paused', ['a.1']]);
  assert.match(world.step('merge').waiting_for ?? '', /pauses before "merge"/);
  assert.deepEqual(world.command('resume').ordered(), ['merge.1']);
  assert.deepEqual(world.done('merge').ordered(), ['b.1']);
});

test('resuming passes one checkpoint, not the next one', () => {
  const world = given({ checkpoints: ['a', 'b'], steps: [step('a'), step('b'), step('c')] });
  assert.deepEqual(world.orders(), []);
  assert.deepEqual(world.command('resume').ordered(), ['a.1']);
  assert.equal(world.status, 'running');
  assert.deepEqual(world.command('resume').ordered().toSorted(), ['b.1', 'c.1']);
});

test('starting the step itself passes its checkpoint too', () => {
  assert.deepEqual(
    given({ checkpoints: ['a'], steps: [step('a')] })
      .command('start', 'a')
      .ordered(),
    ['a.1'],
  );
});

test('a retry does not pause again before the same checkpoint', () => {
  const world = given({ checkpoints: ['a'], steps: [step('a')] })
    .command('resume')
    .fail('a')
    .wake('retry');
  assert.deepEqual(world.ordered(), ['a.2']);
});

test('a checkpoint is past once its step is skipped, all of it', () => {
  const world = given({ checkpoints: ['b'], steps: [step('a'), step('b', 'a'), step('c', 'b')] }).done('a');
  assert.deepEqual(world.command('skip', 'b').ordered(), ['c.1']);
  const family = given({ checkpoints: ['f'], steps: [step('f', { each: { count: 2 } }), step('c', 'f')] });
  assert.deepEqual([family.command('skip', 'f-0').status, family.orders()], ['paused', []]);
  assert.deepEqual(family.command('skip', 'f-1').ordered(), ['c.1']);
  const other = given({ checkpoints: ['b'], steps: [step('a'), step('b'), step('c', 'a')] });
  assert.equal(other.command('skip', 'a').status, 'paused', 'another step is skipped');
});

test('people are told of a checkpoint', () => {
  const settings = { notify: [{ on: ['task.paused'], channel: 'log' }] };
  const world = given({ checkpoints: ['a'], settings, steps: [step('a')] });
  const { text } = world.lastOrder('_notify-1').input as { text: string };
  assert.equal(text, 'The task waits for somebody to resume the task, which pauses before "a".');
});
