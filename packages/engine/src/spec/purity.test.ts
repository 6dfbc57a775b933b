// Rules: deciding changes nothing that was there before, remembers nothing, and looks at nothing but state and event.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '@capstan/contracts';
import { decide } from '../decide.ts';
import { deepFreeze } from '../freeze.ts';
import { idOf } from '../plan/shape.ts';
import { recordOf } from '../snapshot.ts';
import { given, step } from '../testing.ts';

test('a state that nothing can change is decided on all the same', () => {
  const world = given({ steps: [step('a'), step('f', 'a', { each: { count: 3 } }), step('z', 'f')] }).done(
    'a',
    'f-0',
    'f-1',
    'f-2',
  );
  assert.ok(Object.isFrozen(world.state));
  assert.equal(world.done('z').status, 'succeeded');
});

test('a throw in the middle of a decision leaves the state as it was', () => {
  const world = given({ steps: [step('a'), step('b', 'a'), step('c', 'a')] });
  const before = JSON.stringify(recordOf(world.state as never, { whole: true }));
  // A fault of Capstan's own, planted where the decision is nearly done: the second of the two orders can't be written.
  const settings = Object.defineProperty({ ...world.state?.settings }, 'heartbeat_ms', { get: failingAfter(1) });
  const state = deepFreeze({ ...(world.state as object), settings }) as never;
  const report = { task_id: 't1', step_id: 'a', attempt: 1, lease: '', agent: 'x', outcome: 'succeeded' as const };
  const event: Event = { kind: 'report', step: 'a', attempt: 1, queue: 'noop', report, seq: 2, at: world.at };
  assert.throws(() => decide(state, event), /planted/);
  assert.equal(JSON.stringify(recordOf(state, { whole: true })), before);
  assert.deepEqual(world.done('a').ordered(), ['b.1', 'c.1']);
});

const failingAfter = (times: number) => {
  let left = times;
  return () => {
    left -= 1;
    if (left < 0) throw new Error('planted');
    return 10_000;
  };
};

test('only the pages that an event touches are other pages than before', () => {
  const world = given({ steps: [step('f', { each: { count: 1_000 } })] });
  const before = world.state?.steps.pages ?? [];
  const after = world.done('f-500').state?.steps.pages ?? [];
  assert.deepEqual(
    before.flatMap((page, at) => (page === after[at] ? [] : [at])),
    [3],
  );
  assert.equal(idOf((world.state as never as { shape: never }).shape, 500), 'f-500');
});
