import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newServerClock } from './server-clock.ts';

const storedAt = (at: number) => ({
  get: async (key: string) => ({ key, data: new Uint8Array(), revision: 1, at, gone: false }),
});

test('follows a server that is an hour ahead, and ignores what may be the way', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const clock = newServerClock();
  assert.equal(clock.now(), 1_000_000);
  await clock.compare(storedAt(1_000_000 + 3_600_000), 'k', 1_000_000, 1_000_010);
  assert.equal(clock.now(), 1_000_000 + 3_599_995);
  await clock.compare(storedAt(1_000_200), 'k', 1_000_000, 1_000_000);
  assert.equal(clock.now(), 1_000_000);
});

test('a measurement that took long says nothing', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const clock = newServerClock();
  await clock.compare(storedAt(9_000_000), 'k', 1_000_000, 1_010_000);
  assert.equal(clock.now(), 1_000_000);
});
