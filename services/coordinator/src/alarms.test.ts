// Alarms over a clock of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarms } from './alarms.ts';
import type { Clock } from './clock.ts';

/** A clock that stands still until it is moved. */
const standingClock = () => {
  let now = 0;
  const due: { at: number; call: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    later: (ms, call) => {
      const one = { at: now + ms, call };
      due.push(one);
      return () => void due.splice(due.indexOf(one), due.includes(one) ? 1 : 0);
    },
    every: () => () => {},
  };
  return {
    clock,
    waiting: () => due.length,
    to: (at: number) => {
      now = at;
      for (const one of due.filter((each) => each.at <= now)) {
        due.splice(due.indexOf(one), 1);
        one.call();
      }
    },
  };
};

test('what is due rings, in order of time; what was replaced, cleared or forgotten does not', () => {
  const { clock, to } = standingClock();
  const all = alarms(clock);
  const rung: string[] = [];
  const ring = (name: string) => () => void rung.push(name);
  all.set('a', 1, 30, ring('a1'));
  all.set('a', 2, 10, ring('a2'));
  all.set('b', 1, 20, ring('b1 at first'));
  all.set('b', 1, 25, ring('b1'));
  all.set('c', 1, 5, ring('c1'));
  all.set('c', 'load', 6, ring('c load'));
  all.set('d', 1, 7, ring('d1'));
  all.clear('d', 1);
  all.forget('c');
  assert.equal(all.size, 3);
  to(26);
  assert.deepEqual(rung, ['a2', 'b1']);
  to(30);
  assert.deepEqual([rung.at(-1), all.size], ['a1', 0]);
});

test('attempts that end long before their time do not fill the memory until then', () => {
  const { clock, waiting, to } = standingClock();
  const all = alarms(clock);
  let rung = 0;
  for (let at = 0; at < 100_000; at += 1) {
    all.set(`t${at % 50}`, at, 600_000 + at, () => void (rung += 1));
    if (at >= 100) all.clear(`t${(at - 100) % 50}`, at - 100);
  }
  assert.equal(all.size, 100);
  assert.ok(all.held < 3_000, `the heap holds ${all.held}`);
  assert.equal(waiting(), 1);
  to(700_000);
  assert.equal(rung, 100);
});
