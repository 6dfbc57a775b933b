// What is said until it is stored, when the membership lapses meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedInAnyTerm, untilStored } from './say.ts';
import type { World } from './world.ts';

test('who opens a partition is answered even after a lapse; what was dropped from memory is silent', async () => {
  const membership = { term: 0 };
  const world = {
    membership,
    log: { warn: () => {} },
    clock: { later: (_: number, act: () => void) => (queueMicrotask(act), () => {}) },
  } as unknown as World;
  const failingOnce = () => {
    let tries = 0;
    return async () => {
      tries += 1;
      if (tries > 1) return 'stored';
      membership.term += 1;
      throw new Error('not now');
    };
  };
  assert.equal(await storedInAnyTerm(world, failingOnce()), 'stored');
  let answered = false;
  void untilStored(world, failingOnce()).then(() => (answered = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answered, false);
});
