// What must come out the same for every reader of the log, on every machine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fraction, iso } from './hash.ts';

test('a time is written as Date would, of any day', () => {
  fc.assert(
    fc.property(fc.double({ min: -1e13, max: 300_000_000_000_000, noNaN: true }), (at) => {
      assert.equal(iso(at), new Date(at).toISOString());
      assert.equal(iso(Math.trunc(at)), new Date(Math.trunc(at)).toISOString());
    }),
  );
});

test('a fraction is drawn from a text: always the same, and spread evenly', () => {
  assert.equal(fraction('t1 a 1'), fraction('t1 a 1'));
  const drawn = Array.from({ length: 10_000 }, (_, n) => fraction(`t1 a ${n}`));
  assert.ok(drawn.every((one) => one >= 0 && one < 1));
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const share = drawn.filter((one) => Math.floor(one * 10) === tenth).length;
    assert.ok(share > 900 && share < 1_100, `${share} of 10,000 in tenth ${tenth}`);
  }
});
