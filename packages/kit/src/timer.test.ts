import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTimer } from './timer.ts';

test('30 days are 30 days', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const days = 86_400_000;
  let fired = 0;
  startTimer(30 * days, () => fired++);
  t.mock.timers.tick(2_000_000_000);
  t.mock.timers.tick(30 * days - 2_000_000_000 - 1);
  assert.equal(fired, 0);
  t.mock.timers.tick(1);
  assert.equal(fired, 1);
});

test('a stopped timer stays silent', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let fired = 0;
  const timer = startTimer(2_000_000_010, () => fired++);
  t.mock.timers.tick(2_000_000_000);
  timer.stop();
  t.mock.timers.tick(100);
  assert.equal(fired, 0);
});
