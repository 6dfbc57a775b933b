// Rules: an agent that lacks what the work needs uses up no try; the step waits, and is then routed anew, wherever its route was known before. Nor does an
// order that reached nobody, because all agents of its queue had left; then nothing is waited for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskState } from '../state.ts';
import { given, step } from '../testing.ts';

const once = { retry: { max_attempts: 1 } };
const code = 'sandbox_unavailable';

test('it waits with the words of the agent, and uses up no try', () => {
  const world = given({ steps: [step('a', once)] });
  for (let attempt = 1; attempt <= 5; attempt++) {
    world.fail('a', code, { message: 'no Docker Engine answers here', retry_after_ms: 30_000 });
    assert.deepEqual(
      [world.step('a').status, world.step('a').waiting_for],
      ['retrying', 'no Docker Engine answers here'],
    );
    world.wake('retry').routed('a', 'executor', attempt + 1);
  }
  assert.equal(world.done('a').status, 'succeeded');
});

test('then a queue is looked for, although its route was known: where nobody can serve it, it is blocked', () => {
  const world = given({ steps: [step('a', once)] })
    .fail('a', code)
    .wake('retry');
  assert.deepEqual(
    world.of('route').map(({ step: of, attempt }) => `${of}.${attempt}`),
    ['a.2'],
  );
  world.unrouted('a', 'executor.1 says: no Docker Engine answers here', 2);
  assert.deepEqual([world.status, world.step('a').status], ['blocked', 'blocked']);
  assert.deepEqual(world.routed('a', 'executor', 2).ordered(), ['a.2']);
});

test('a check that could not be made is made again, without the work that it checks', () => {
  const world = given({ steps: [step('a', { ...once, verify: [{ command: ['true'] }] })] })
    .done('a')
    .fail('a', code)
    .wake('retry')
    .routed('a', 'verifier', 3);
  assert.equal(world.lastOrder('a').capability, 'verify');
});

test('an agent that says so for good has failed', () => {
  const world = given({ steps: [step('a', once)] }).fail('a', code, { retryable: false });
  assert.equal(world.step('a').status, 'awaiting_input');
});

test('an order whose queue nobody serves any more uses up no try, and a queue is looked for at once', () => {
  const world = given({ steps: [step('a', once)] }).fail('a', 'no_agent', {
    message: 'no agent of queue "noop" is there',
  });
  assert.equal(world.timer('retry').at, world.at);
  world.wake('retry');
  assert.deepEqual(
    world.of('route').map(({ step: of, attempt }) => `${of}.${attempt}`),
    ['a.2'],
  );
  world.unrouted('a', 'no live agent offers "noop"', 2);
  assert.deepEqual([world.status, world.step('a').waiting_for], ['blocked', 'no live agent offers "noop"']);
  assert.deepEqual(world.routed('a', 'other', 2).ordered(), ['a.2']);
  world.report('a', { attempt: 1, outcome: 'succeeded' });
  assert.match(world.ignored ?? '', /is not the one that runs/, 'whoever had the old order after all comes too late');
  assert.equal(world.done('a').status, 'succeeded');
});

test('a task of older rules, which does not know that, has failed at it', () => {
  const world = given({ steps: [step('a', once)] });
  world.state = { ...(world.state as TaskState), rules: 2 };
  world.fail('a', 'no_agent');
  assert.deepEqual([world.step('a').status, world.of('bury').length], ['failed', 1]);
});
