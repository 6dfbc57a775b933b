// A state as it is stored and shown: what a reader of the bucket may rely on, and that nothing is lost on the way back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Event, taskRecord } from '@capstan/contracts';
import { decide } from './decide.ts';
import { isPagedOut, pageOf, recordOf, restore } from './snapshot.ts';
import type { TaskState } from './state.ts';
import { given, step, type World } from './testing.ts';

const stateOf = (world: World): TaskState => world.state as TaskState;
const submittedOf = (world: World) => world.events[0] as Extract<Event, { kind: 'submitted' }>;

test('a record is what the contract says of a task', () => {
  const world = given({
    title: 'Release',
    requester: 'alice',
    steps: [step('a'), step('b', 'a', { risk: 'high' })],
  }).report('a', { output: { n: 1 }, artifacts: [{ name: 'x', size: 1, sha256: 'y', ref: 'z' }] });
  const record = taskRecord.parse(world.record);
  assert.deepEqual(
    [record.task_id, record.title, record.tenant, record.priority, record.requester, record.status, record.mode],
    ['t1', 'Release', 'default', 'normal', 'alice', 'awaiting_approval', 'auto'],
  );
  assert.deepEqual(record.counts, { awaiting_approval: 1, succeeded: 1 });
  assert.deepEqual(record.artifacts, [{ name: 'x', size: 1, sha256: 'y', ref: 'z', attempt: 1, step: 'a' }]);
  assert.deepEqual(record.steps['b']?.depends_on, ['a']);
  assert.equal(record.interventions.length, 1);
  assert.equal(record.seq, 2);
});

test('a small plan is in one record, a large one on pages of 128 steps', () => {
  const small = stateOf(given({ steps: [step('f', { each: { count: 128 } })] }));
  const large = stateOf(given({ steps: [step('f', { each: { count: 129 } })] }));
  assert.deepEqual([isPagedOut(small), isPagedOut(large)], [false, true]);
  const head = recordOf(large, { whole: false, pageKey: (page) => `t1.steps.${page}` });
  assert.deepEqual([head.steps_in, head.steps], [['t1.steps.0', 't1.steps.1'], {}]);
  assert.deepEqual(Object.keys(pageOf(large, 1)), ['f-128']);
  assert.equal(Object.keys(recordOf(large, { whole: true }).steps).length, 129);
});

test('a state comes back from its pages and goes on', () => {
  const world = given({ steps: [step('f', { each: { count: 200 } }, { risk: 'high' }), step('z', 'f')] })
    .approve('f-3')
    .fail('f-3');
  assert.equal(stateOf(world).steps.pages[0]?.[3]?.approvals?.['approval']?.hash.length, 64);
  const state = stateOf(world);
  const head = JSON.parse(JSON.stringify(recordOf(state, { whole: false, pageKey: String })));
  const pages = state.steps.pages.map((_, page) => JSON.parse(JSON.stringify(pageOf(state, page))));
  const back = restore(head, pages, submittedOf(world));
  assert.deepEqual(back, state);
  const { timer } = back.steps.pages[0]?.[3] ?? {};
  const decision = decide(back, { kind: 'woke', n: timer?.n ?? 0, step: 'f-3', seq: 9, at: state.at + 60_000 });
  assert.deepEqual(
    decision.effects.flatMap((effect) => (effect.kind === 'order' ? [effect.order.attempt] : [])),
    [2],
  );
});

test('a snapshot that lacks a page is no state', () => {
  const world = given({ steps: [step('f', { each: { count: 200 } })] });
  const head = recordOf(stateOf(world), { whole: false, pageKey: String });
  assert.throws(() => restore(head, [pageOf(stateOf(world), 0)], submittedOf(world)), /has no step "f-128"/);
});
