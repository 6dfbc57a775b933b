// A coordinator that was out of touch for longer than its membership lives says nothing before it has loaded anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bus, Saying } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import { fenced, newMembership } from './membership.ts';

const world = () => {
  let now = 1_000_000;
  const clock = { now: () => now, later: () => () => {}, every: () => () => {} };
  const said: string[] = [];
  const once = async ({ subject }: Saying) => {
    said.push(subject);
    return { seq: said.length, again: false };
  };
  const membership = newMembership(clock, 1);
  const bus = fenced({ once } as unknown as Bus, membership);
  return { membership, bus, said, pass: (ms: number) => void (now += ms), now: () => now };
};

test('a membership that is older than it lives publishes nothing, and what is in memory is dropped first', async () => {
  const { membership, bus, said, pass, now } = world();
  const dropped: number[] = [];
  membership.onLapse(() => dropped.push(said.length));
  await bus.once({ subject: 'a', data: '' });
  pass(limits.memberTtlMs);
  await bus.once({ subject: 'b', data: '' });
  pass(1);
  await assert.rejects(bus.once({ subject: 'c', data: '' }), { code: 'unavailable' });
  await assert.rejects(bus.once({ subject: 'd', data: '' }), { code: 'unavailable' });
  assert.deepEqual(said, ['a', 'b']);
  assert.deepEqual(dropped, [2], 'once, before anything else');
  assert.equal(membership.term, 1);

  assert.equal(membership.renewed(now()), true, 'all is to be loaded anew');
  await bus.once({ subject: 'e', data: '' });
  assert.equal(membership.renewed(now()), false);
  assert.deepEqual(said, ['a', 'b', 'e']);
});

test('an answer to what was sent before the silence renews nothing; a renewal that failed is no loss', async () => {
  const { membership, bus, pass, now } = world();
  pass(limits.memberBeatMs * 2);
  assert.equal(membership.isFresh(), true);
  const sent = now();
  pass(limits.memberTtlMs + 1);
  assert.equal(membership.renewed(sent), false);
  await assert.rejects(bus.once({ subject: 'a', data: '' }), { code: 'unavailable' });
});
