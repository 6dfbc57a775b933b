// Rules: an agent that lacks what the work needs uses up no try; the step waits, and is then routed anew, wherever its route was known before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
