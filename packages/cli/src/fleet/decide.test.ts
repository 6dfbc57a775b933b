// Rules: it grows at once when orders wait, shrinks when there has been nothing to do for a while, and never lets a busy one go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, type Known, type Member, type Rule } from './decide.ts';

const rule: Rule = { min: 1, max: 5, idleMs: 1_000, fresh: false };
const member = (id: string, busy: number, more: Partial<Member> = {}): Member => ({
  id,
  seen: { busy, concurrency: 4, draining: false },
  startedAt: 0,
  idleSince: busy === 0 ? 0 : null,
  used: false,
  leaving: false,
  ...more,
});
const known = (members: Member[], waiting = 0): Known => ({ now: 5_000, members, waiting, concurrency: 4 });

test('as many as it should have at least, and no more than it may', () => {
  assert.deepEqual(decide(known([]), { ...rule, min: 2 }), { start: 2, stop: [] });
  assert.deepEqual(decide(known([], 1_000), rule), { start: 5, stop: [] });
});

test('it grows by what waits, and counts those that are being started', () => {
  assert.deepEqual(decide(known([member('a', 4)], 5), rule), { start: 2, stop: [] });
  const starting = member('b', 0, { seen: null, idleSince: null });
  assert.deepEqual(decide(known([member('a', 4), starting, { ...starting, id: 'c' }], 5), rule), {
    start: 0,
    stop: [],
  });
});

test('it shrinks to what is needed, the longest idle first, and lets no busy one go', () => {
  const members = [member('a', 0, { idleSince: 3_000 }), member('b', 3), member('c', 0, { idleSince: 2_000 })];
  assert.deepEqual(decide(known(members), rule), { start: 0, stop: ['c', 'a'] });
  assert.deepEqual(decide(known(members), { ...rule, min: 2 }), { start: 0, stop: ['c'] });
  assert.deepEqual(decide(known([member('a', 1), member('b', 1), member('c', 1)]), rule), { start: 0, stop: [] });
});

test('nobody goes who has just become idle, is silent, or is told to go already', () => {
  const just = member('a', 0, { idleSince: 4_500 });
  const silent = member('b', 0, { seen: null, idleSince: null });
  const leaving = member('c', 0, { leaving: true });
  assert.deepEqual(decide(known([just, silent, leaving]), rule), { start: 0, stop: [] });
});

test('while orders wait, nobody goes', () => {
  assert.deepEqual(decide(known([member('a', 0), member('b', 0)], 1), rule), { start: 0, stop: [] });
});

test('one that has worked is replaced once it has nothing to do, one at a time', () => {
  const fresh = { ...rule, fresh: true, min: 2 };
  const used = [member('a', 0, { used: true }), member('b', 0, { used: true })];
  assert.deepEqual(decide(known(used), fresh), { start: 1, stop: ['a'] });
  assert.deepEqual(decide(known([member('a', 0), member('b', 1, { used: true })]), fresh), { start: 0, stop: [] });
});
