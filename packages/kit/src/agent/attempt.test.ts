import assert from 'node:assert/strict';
import { test } from 'node:test';
import { done, reject, Stopped } from '../outcome.ts';
import { type AttemptStopped, startAttempt } from './attempt.ts';

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)));

test('what the work returns is the outcome', async () => {
  assert.deepEqual(await startAttempt(async () => done({ a: 1 }), 1_000).ended, { outcome: done({ a: 1 }) });
});

test('a throw is retryable and called crashed; a Stopped keeps its outcome', async () => {
  const error = new Error('oops');
  const crashed = await startAttempt(() => Promise.reject(error), 1_000).ended;
  assert.deepEqual(crashed, {
    outcome: { kind: 'failed', code: 'crashed', message: 'oops', retryable: true },
    crash: error,
  });
  const thrownAtOnce = startAttempt(() => {
    throw new Stopped(reject('no', 'never'));
  }, 1_000);
  assert.deepEqual(await thrownAtOnce.ended, { outcome: reject('no', 'never') });
});

test('the time limit aborts, and the reason says so', async () => {
  let reason: AttemptStopped | undefined;
  const attempt = startAttempt(async (signal) => {
    await untilAborted(signal()).catch((error) => (reason = error));
    return done();
  }, 5);
  assert.deepEqual(await attempt.ended, { stopped: 'timeout', late: false });
  assert.equal(reason?.why, 'timeout');
});

test('work that ignores the signal is not waited for beyond the patience given', async () => {
  const attempt = startAttempt(() => new Promise(() => {}), 60_000);
  attempt.stop('cancel', 5);
  attempt.stop('drain', 0);
  assert.deepEqual(await attempt.ended, { stopped: 'cancel', late: true });
});

test('what comes after its time is not begun', async () => {
  let begun = false;
  const attempt = startAttempt(async () => {
    begun = true;
    return done();
  }, -5);
  assert.deepEqual(await attempt.ended, { stopped: 'timeout', late: false });
  assert.equal(begun, false);
});
