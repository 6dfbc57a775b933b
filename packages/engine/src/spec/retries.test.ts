// Rules: what becomes of a failure. Attempts left and worth another try: again, later. Not worth it: a person is asked. Used up: a dead letter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '@capstan/contracts';
import { given, step } from '../testing.ts';

const once = { retry: { max_attempts: 1 } };

test('a failed attempt is tried again, three times in all unless the plan says otherwise', () => {
  const world = given({ steps: [step('a')] })
    .fail('a')
    .wake('retry')
    .fail('a')
    .wake('retry')
    .fail('a');
  assert.deepEqual(world.orders(), ['a.1', 'a.2', 'a.3']);
  assert.equal(world.step('a').status, 'failed');
  assert.equal(world.status, 'failed');
});

test('waiting doubles from attempt to attempt, up to its maximum', () => {
  const retry = { max_attempts: 5, initial_delay_ms: 1_000, multiplier: 2, max_delay_ms: 3_000, jitter: 0 };
  const world = given({ steps: [step('a', { retry })] });
  const delays = [1, 2, 3, 4].map(() => {
    world.fail('a');
    const delay = world.timer('retry').at - world.at;
    world.wake('retry');
    return delay;
  });
  assert.deepEqual(delays, [1_000, 2_000, 3_000, 3_000]);
});

test('jitter is drawn from the names, so every reader of the log waits as long', () => {
  const delay = (task_id: string) => {
    const world = given({ task_id, steps: [step('a', { retry: { jitter: 0.5, initial_delay_ms: 1_000 } })] }).fail('a');
    return world.timer('retry').at - world.at;
  };
  assert.equal(delay('t1'), delay('t1'));
  const delays = new Set(Array.from({ length: 20 }, (_, n) => delay(`task-${n}`)));
  assert.ok(delays.size > 10, 'no jitter at all');
  for (const ms of delays) assert.ok(ms >= 500 && ms <= 1_500, `${ms} is beyond the jitter`);
});

test('a code may have attempts and waits of its own, over those of the step', () => {
  const codes = {
    busy: { max_attempts: 4, initial_delay_ms: 7 },
    fatal: { max_attempts: 1 },
    bad: { retryable: false },
  };
  const retry = { max_attempts: 2, initial_delay_ms: 100, multiplier: 1, jitter: 0, codes };
  const world = given({ steps: [step('a', { retry })] });
  const delay = (code: string) => {
    const { at } = world.fail('a', code).timer('retry');
    const ms = at - world.at;
    world.wake('retry');
    return ms;
  };
  assert.deepEqual([delay('flaky'), delay('busy'), delay('busy')], [100, 7, 7]);
  assert.equal(world.fail('a', 'busy').status, 'failed');
  const first = (code: string) =>
    given({ steps: [step('a', { retry })] })
      .fail('a', code)
      .step('a').status;
  assert.deepEqual([first('fatal'), first('bad'), first('flaky')], ['failed', 'awaiting_input', 'retrying']);
});

test('where the codes are listed that may be tried again, no other one is; a code of its own goes before the lists', () => {
  const first = (retry: object, code: string, more: object = {}) =>
    given({ steps: [step('a', { retry })] })
      .fail('a', code, more)
      .step('a').status;
  assert.equal(first({ retryable: ['busy'] }, 'busy'), 'retrying');
  assert.equal(first({ retryable: ['busy'] }, 'flaky'), 'awaiting_input');
  assert.equal(first({ retryable: ['busy'], codes: { flaky: { retryable: true } } }, 'flaky'), 'retrying');
  // Whatever the plan says, the agent knows that it is of no use.
  assert.equal(first({ codes: { flaky: { retryable: true } } }, 'flaky', { retryable: false }), 'awaiting_input');
});

test('the installation says what its steps leave open, by code as well', () => {
  const retry = { max_attempts: 1, codes: { busy: { max_attempts: 3 } }, non_retryable: ['bad'] };
  const settings = { ...defaultSettings, retry };
  const first = (code: string, own: object = {}) =>
    given({ settings, steps: [step('a', { retry: own })] })
      .fail('a', code)
      .step('a').status;
  assert.deepEqual([first('busy'), first('flaky'), first('bad')], ['retrying', 'failed', 'awaiting_input']);
  assert.deepEqual([first('busy', { max_attempts: 1 }), first('bad', { non_retryable: [] })], ['failed', 'failed']);
});

test('an agent may ask for a longer wait than the plan', () => {
  const world = given({ steps: [step('a')] }).fail('a', 'busy', { retry_after_ms: 120_000 });
  assert.equal(world.timer('retry').at - world.at, 120_000);
});

test('the reason of the last failure goes with the next order', () => {
  const world = given({ steps: [step('a')] })
    .fail('a', 'tests_failed')
    .wake('retry');
  assert.deepEqual(world.lastOrder('a').last_failure, { code: 'tests_failed', message: 'tests_failed!' });
});

test('while it waits for its next attempt, a step says so', () => {
  const world = given({ steps: [step('a', { retry: { jitter: 0 } })] }).fail('a');
  assert.equal(world.step('a').waiting_for, 'attempt 2 of 3 in 1000 ms, after flaky: flaky!');
});

test('silence is a failure like any other: the attempt is lost, its agent told, and another one is due', () => {
  const world = given({ steps: [step('a', { timeout_ms: 5_000 })] }).wake('attempt');
  assert.deepEqual(
    world.of('cancel').map(({ step: of, attempt, reason }) => [of, attempt, reason]),
    [['a', 1, 'timeout']],
  );
  assert.equal(world.step('a').status, 'retrying');
  assert.equal(world.step('a').error?.message, 'No report within 5 s.');
  assert.equal(world.step('a').attempts[0]?.outcome, 'lost');
});

test('a failure that is not worth another attempt is for a person', () => {
  const world = given({ steps: [step('a')] }).fail('a', 'invalid_input', { retryable: false });
  assert.equal(world.step('a').status, 'awaiting_input');
  assert.equal(world.status, 'awaiting_input');
  assert.equal(world.intervention('a').kind, 'flag');
  assert.deepEqual(world.of('bury'), []);
});

test('the plan may say which codes are not worth another attempt', () => {
  const world = given({ steps: [step('a', { retry: { non_retryable: ['invalid_input'] } })] }).fail(
    'a',
    'invalid_input',
  );
  assert.equal(world.intervention('a').kind, 'flag');
});

test('a person who looked at it lets it try again, with all its attempts', () => {
  const world = given({ steps: [step('a', once)] })
    .fail('a', 'odd', { retryable: false })
    .approve('a');
  assert.deepEqual(world.ordered(), ['a.2']);
  assert.equal(world.done('a').status, 'succeeded');
});

test('a person may go on without the step', () => {
  const world = given({ steps: [step('a'), step('b', 'a')] })
    .fail('a', 'odd', { retryable: false })
    .answer('a', 'skip');
  assert.equal(world.step('a').status, 'skipped');
  assert.deepEqual(world.ordered(), ['b.1']);
});

test('a person may tell the next attempt what to do', () => {
  const world = given({ steps: [step('a')] })
    .fail('a', 'odd', { retryable: false })
    .answer('a', { use: 'main' });
  assert.deepEqual(world.lastOrder('a').answer?.value, { use: 'main' });
});

test('giving up puts the order aside as not retryable', () => {
  const world = given({ steps: [step('a')] })
    .fail('a', 'odd', { retryable: false })
    .reject('a', 'hopeless');
  assert.deepEqual(
    world.of('bury').map(({ reason, error }) => [reason, error]),
    [['not_retryable', 'odd: odd!']],
  );
  assert.equal(world.status, 'failed');
});

test('an order that came to an agent which can not do it is put aside as unroutable', () => {
  const world = given({ steps: [step('a')] })
    .fail('a', 'unknown_capability', { retryable: false })
    .reject('a', 'nobody can');
  assert.equal(world.of('bury')[0]?.reason, 'unroutable');
});

test('a flag that nobody looks at expires like giving up', () => {
  const world = given({ steps: [step('a')] })
    .fail('a', 'odd', { retryable: false })
    .wake('expiry');
  assert.equal(world.intervention('a').status, 'expired');
  assert.equal(world.of('bury')[0]?.reason, 'not_retryable');
  assert.equal(world.step('a').error?.code, 'odd');
});

test('a step that has used up its attempts is put aside as a dead letter that says what to do', () => {
  const world = given({ steps: [step('a', once, { input: { x: 1 } })] }).fail('a');
  const [letter] = world.of('bury');
  assert.deepEqual([letter?.reason, letter?.step, letter?.attempt, letter?.attempts], ['retries_exhausted', 'a', 1, 1]);
  assert.equal(letter?.error, 'flaky: flaky!');
  assert.match(letter?.hint ?? '', /capstan retry t1 --step a/);
  assert.deepEqual(letter?.order.input, { x: 1 });
});

test('an agent that stopped unasked has failed, and is tried again', () => {
  const world = given({ steps: [step('a')] }).report('a', { outcome: 'cancelled' });
  assert.equal(world.step('a').status, 'retrying');
  assert.equal(world.step('a').error?.code, 'cancelled');
});

test('the installation may set how often everything is tried', () => {
  const world = given({ settings: { retry: { max_attempts: 1 } }, steps: [step('a')] }).fail('a');
  assert.equal(world.status, 'failed');
});
