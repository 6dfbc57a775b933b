import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PassingMap, PassingSet } from './passing.ts';
import { Recent } from './recent.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (how?: { type: 'minor' }) => void;

test('a passing map is a map, however much passes through it', () => {
  const passing = new PassingMap<string, number>();
  const plain = new Map<string, number>();
  for (let at = 0; at < 20_000; at += 1) {
    const key = `k${(at * 7_919) % 1_000}`;
    if (at % 3 === 0) assert.equal(passing.delete(key), plain.delete(key));
    else plain.set(key, passing.set(key, at) && at);
    assert.equal(passing.get(key), plain.get(key));
    assert.equal(passing.has(key), plain.has(key));
    assert.equal(passing.size, plain.size);
  }
  assert.deepEqual([...passing], [...plain]);
  assert.deepEqual([...passing.keys()], [...plain.keys()]);
  assert.deepEqual([...passing.values()], [...plain.values()]);
  const set = new PassingSet<number>().add(1).add(2).add(1);
  set.delete(2);
  assert.deepEqual([[...set], set.size, set.has(1), set.has(2)], [[1], 1, true, false]);
});

test('what was in an old passing map goes with the next minor collection', () => {
  const passing = new PassingMap<number, object>();
  for (let at = -600; at < 0; at += 1) passing.set(at, {});
  collect();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < 100_000; at += 1) {
    passing.set(at, { at, bulk: Array.from({ length: 60 }, () => at) });
    passing.delete(at - 500);
  }
  collect({ type: 'minor' });
  const kept = process.memoryUsage().heapUsed - before;
  // All that passed is 50 MB and more. Of a plain map over 20 MB stay.
  assert.ok(kept < 10_000_000, `${kept} bytes are kept of what passed`);
  assert.equal(passing.size, 600);
});

test('the recent is remembered, and what is long ago is not', () => {
  const recent = new Recent<number>(10);
  for (let at = 0; at < 100; at += 1) {
    recent.set(`k${at}`, at);
    for (let back = 0; back < Math.min(10, at + 1); back += 1) assert.equal(recent.get(`k${at - back}`), at - back);
    assert.equal(recent.get(`k${at - 20}`), undefined);
  }
  recent.clear();
  assert.equal(recent.get('k99'), undefined);
});
