// What is said until it is stored, when the membership lapses meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusError } from '@capstan/bus';
import { askedInAnyTerm, storedInAnyTerm, untilStored } from './say.ts';
import type { World } from './world.ts';

const opened = () => {
  const membership = { term: 0 };
  const log = { warn: () => {} };
  const clock = { later: (_: number, act: () => void) => (queueMicrotask(act), () => {}) };
  return { membership, world: { membership, log, clock } as unknown as World };
};

test('who opens a partition is answered even after a lapse; what was dropped from memory is silent', async () => {
  const { membership, world } = opened();
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

test('a server that is away is waited for, whatever becomes of the membership; anything else is for whoever asks', async () => {
  const { membership, world } = opened();
  let away = 20;
  const answer = await askedInAnyTerm(world, async () => {
    away -= 1;
    membership.term += 1;
    if (away > 0) throw new BusError('unavailable', 'The server did not take it in time.');
    return 'answered';
  });
  assert.equal(answer, 'answered');
  await assert.rejects(
    askedInAnyTerm(world, async () => {
      throw new BusError('corrupt', 'It can not be read.');
    }),
    { code: 'corrupt' },
  );
});
