// Rules: when more waits than can be done. Urgent work goes first; tenants, and the requesters of one tenant, take turns; what has waited long
// goes up by one priority after the other, so that nothing starves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelOf, Turns, type Waiting } from '../turns.ts';

interface Named extends Waiting {
  readonly name: string;
}
const ageing = 1_000;
const waiting = (...names: string[]): Turns<Named> => {
  const turns = new Turns<Named>(ageing);
  for (const name of names) push(turns, name);
  return turns;
};
/** `tenant/requester.priority@since`, the last three as wanted. */
const push = (turns: Turns<Named>, name: string): void => {
  const [, tenant = '', requester = '', priority, since = '0'] =
    /^(\w+)(?:\/(\w+))?(?:\.(\w+))?(?:@(\d+))?$/.exec(name) ?? [];
  turns.push({ name, tenant, requester, level: levelOf(priority), since: Number(since) });
};
const all = (turns: Turns<Named>, now = 0): string[] => {
  const names: string[] = [];
  for (let item = turns.take(now); item !== null; item = turns.take(now)) names.push(item.name);
  assert.equal(turns.size, 0);
  return names;
};

test('urgent before high before normal before low; within one, in the order of coming', () => {
  const turns = waiting('a.low', 'a.normal@1', 'a.normal@2', 'a.urgent', 'a.high');
  assert.deepEqual(all(turns), ['a.urgent', 'a.high', 'a.normal@1', 'a.normal@2', 'a.low']);
});

test('a task that says nothing is normal', () => {
  assert.deepEqual(all(waiting('a.low', 'a', 'a.high')), ['a.high', 'a', 'a.low']);
});

test('tenants take turns, however much one of them has waiting', () => {
  const turns = waiting(...Array.from({ length: 1_000 }, (_, at) => `many@${at}`), 'few@5000', 'few@5001');
  const names = all(turns);
  assert.ok(names.indexOf('few@5000') <= 1 && names.indexOf('few@5001') <= 3, names.slice(0, 6).join(' '));
});

test('who comes later gets its share from then on, and no more', () => {
  const turns = waiting(...Array.from({ length: 20 }, (_, at) => `old@${at}`));
  for (let at = 0; at < 10; at += 1) turns.take(0);
  for (let at = 0; at < 10; at += 1) push(turns, `new@${100 + at}`);
  const first = all(turns).slice(0, 10);
  assert.equal(first.filter((name) => name.startsWith('new')).length, 5);
});

test('the requesters of a tenant take turns within its share', () => {
  const turns = waiting('a/x@1', 'a/x@2', 'a/x@3', 'a/y@4', 'b@5', 'b@6', 'b@7', 'b@8');
  assert.deepEqual(all(turns), ['a/x@1', 'b@5', 'a/y@4', 'b@6', 'a/x@2', 'b@7', 'a/x@3', 'b@8']);
});

test('nothing starves: what waited long goes up by one priority after the other', () => {
  const turns = waiting('a.low@0', 'b.urgent@2500', 'b.urgent@2501');
  assert.equal(turns.take(2_600)?.name, 'b.urgent@2500');
  assert.equal(turns.take(3_000)?.name, 'a.low@0', 'as urgent by now, and served less');
});

test('one stream of urgent work without end does not keep low work of the same tenant from its turn', () => {
  const turns = waiting('a/slow.low@0');
  let taken = 0;
  for (let now = 0; now <= 10 * ageing; now += 10) {
    push(turns, `a/fast.urgent@${now}`);
    taken += 1;
    if (turns.take(now)?.name === 'a/slow.low@0') break;
  }
  assert.ok(taken <= 3 * (ageing / 10) + 2, `after ${taken}`);
});

test('what is taken back is passed over', () => {
  const turns = new Turns<Named>(ageing);
  const items = ['one', 'two', 'three'].map((name, at) => ({ name, tenant: 'a', requester: '', level: 2, since: at }));
  for (const item of items) turns.push(item);
  turns.remove(items[1] as Named);
  turns.remove(items[1] as Named);
  assert.deepEqual(all(turns), ['one', 'three']);
});

test('what was taken and has to wait again keeps its place', () => {
  const turns = waiting('a@1', 'a@2', 'a@3');
  const first = turns.take(0) as Named;
  turns.remove(turns.take(0) as Named);
  turns.push(first);
  push(turns, 'a@2');
  assert.deepEqual(all(turns), ['a@1', 'a@2', 'a@3']);
});
