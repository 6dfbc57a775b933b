// Rules: a paused task starts nothing more; what runs goes on to its end. Resumed, it goes on where it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

test('what runs goes on, what would start waits and says for whom', () => {
  const world = given({ steps: [step('a'), step('b', 'a')] }).command('pause', undefined, 'lunch');
  assert.deepEqual([world.status, world.reason], ['running', 'pausing: 1 still running']);
  world.done('a');
  assert.equal(world.status, 'paused');
  assert.equal(world.step('b').status, 'ready');
  assert.equal(world.step('b').waiting_for, 'somebody to resume the task, which alice paused: lunch');
  assert.deepEqual(world.command('resume').ordered(), ['b.1']);
});

test('a retry that comes due meanwhile waits too', () => {
  const world = given({ steps: [step('a')] })
    .command('pause')
    .fail('a')
    .wake('retry');
  assert.deepEqual(world.orders(), ['a.1']);
  assert.deepEqual(world.command('resume').ordered(), ['a.2']);
});

test('what is approved meanwhile waits, and need not be approved again', () => {
  const world = given({ steps: [step('a', { risk: 'high' })] })
    .command('pause')
    .approve('a');
  assert.deepEqual(world.orders(), []);
  assert.deepEqual(world.command('resume').ordered(), ['a.1']);
});

test('a queue that is found meanwhile is used afterwards', () => {
  const world = given({ steps: [step('a', { capability: 'gpu' })] })
    .command('pause')
    .routed('a', 'farm');
  assert.deepEqual(world.orders(), []);
  assert.deepEqual(world.command('resume').ordered(), ['a.1']);
  assert.equal(world.of('order')[0]?.queue, 'farm');
});

test('nobody there and paused: found and resumed, in either order', () => {
  const held = () =>
    given({ steps: [step('a', { capability: 'gpu' })] })
      .command('pause')
      .unrouted('a');
  assert.deepEqual(held().command('resume').routed('a', 'farm').orders(), ['a.1']);
  assert.deepEqual(held().routed('a', 'farm').command('resume').orders(), ['a.1']);
});

test('pausing what is paused, and resuming what is not, change nothing', () => {
  const world = given({ steps: [step('a')] });
  assert.match(world.command('resume').ignored ?? '', /not paused/);
  assert.match(world.command('pause').command('pause').ignored ?? '', /waits for somebody to resume/);
});

test('a task that is stopping is not paused', () => {
  assert.match(
    given({ steps: [step('a')] })
      .command('cancel')
      .command('pause').ignored ?? '',
    /is stopping/,
  );
});

test('a paused task whose running steps were its last ends', () => {
  assert.equal(
    given({ steps: [step('a')] })
      .command('pause')
      .done('a').status,
    'succeeded',
  );
});
