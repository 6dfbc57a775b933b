// Rules: a step is as risky as its plan says, or as its tool is, whichever is more: a plan can't talk a tool down. What a tool's agents say of it is
// known when the task is submitted, or when one of them is found; an installation may know better.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings, type Risk } from '@capstan/contracts';
import { recordOf, restore } from '../snapshot.ts';
import type { TaskState } from '../state.ts';
import { given, step } from '../testing.ts';

const merge = step('merge', { capability: 'shell', input: { number: 7 } });
const approval = (more: object) => ({ approval: { ...defaultSettings.approval, ...more } });

test('a step with a risky tool waits for approval although its plan says nothing of a risk', () => {
  const world = given({ risks: { shell: 'high' }, steps: [merge, step('docs')] });
  assert.deepEqual(world.orders(), ['docs.1']);
  assert.equal(world.intervention('merge').risk, 'high');
  assert.match(world.step('merge').waiting_for ?? '', /"shell" is a tool of high risk/);
  assert.deepEqual(world.approve('merge').ordered(), ['merge.1']);
});

test('a plan that says less than the tool is not believed', () => {
  assert.deepEqual(given({ risks: { shell: 'critical' }, steps: [{ ...merge, risk: 'low' }] }).orders(), []);
});

test('where a person was asked before, the plan may say that nobody need be asked once more', () => {
  const between = step('between', 'ask');
  const plan = (more: object) => [
    step('ask', { capability: 'approval' }),
    between,
    step('merge', 'between', { capability: 'shell', ...more }),
  ];
  const asked = (more: object) =>
    given({ risks: { shell: 'high' }, steps: plan(more) })
      .approve('ask')
      .done('between');
  assert.deepEqual(asked({ risk: 'medium' }).ordered(), ['merge.1']);
  assert.equal(asked({}).status, 'awaiting_approval', 'where it says nothing, the tool counts');
});

test('an approval that was skipped asked nobody', () => {
  const ask = step('ask', { capability: 'approval', when: 'false' });
  const world = given({ risks: { shell: 'high' }, steps: [ask, { ...merge, risk: 'low', depends_on: ['ask'] }] });
  assert.deepEqual([world.step('ask').status, world.orders()], ['skipped', []]);
});

test('a plan may say more than the tool', () => {
  const world = given({ risks: { shell: 'medium' }, steps: [{ ...merge, risk: 'high' }] });
  assert.deepEqual(world.orders(), []);
  assert.match(world.step('merge').waiting_for ?? '', /a step of high risk/);
});

test('a tool of a risk that needs no approval needs none', () => {
  assert.deepEqual(given({ risks: { shell: 'medium' }, steps: [merge] }).orders(), ['merge.1']);
});

test('the risk of a tool is heard of only with its first agent: the step is not ordered before it is approved', () => {
  const found = (risk?: Risk) => given({ routes: {}, steps: [merge] }).routed('merge', 'executor', 1, risk);
  assert.deepEqual(found().ordered(), ['merge.1']);
  const world = found('high');
  assert.deepEqual([world.orders(), world.status], [[], 'awaiting_approval']);
  assert.deepEqual(world.approve('merge').ordered(), ['merge.1']);
});

test('what was once heard of a tool holds for every step with it, and is not taken back', () => {
  const world = given({ routes: {}, steps: [merge, { ...merge, id: 'again', depends_on: ['merge'] }] })
    .routed('merge', 'executor', 1, 'high')
    .approve('merge')
    .done('merge');
  assert.deepEqual([world.status, world.routed('again', 'executor').orders()], ['awaiting_approval', ['merge.1']]);
});

test('the installation may know a tool better than its agents', () => {
  const risks = { shell: 'high' as const };
  assert.deepEqual(given({ settings: approval({ tools: { shell: 'low' } }), risks, steps: [merge] }).orders(), [
    'merge.1',
  ]);
  assert.deepEqual(given({ settings: approval({ tools: { shell: 'critical' } }), steps: [merge] }).orders(), []);
});

test('policies of an installation see the risk that counts', () => {
  const own = { name: 'calm', on: 'dispatch', deny: "step.risk == 'high'", effect: 'deny', mode: 'enforce' };
  const policies = { own: [{ ...own, roles: [], metadata: {} }] };
  const world = given({ settings: { policies } as never, risks: { shell: 'high' }, steps: [merge] });
  assert.equal(world.step('merge').error?.code, 'denied_by_calm');
});

test('a snapshot keeps what was heard', () => {
  const world = given({ routes: {}, steps: [merge] }).routed('merge', 'executor', 1, 'high');
  const record = recordOf(world.state as TaskState, { whole: true });
  const [submitted] = world.events;
  assert.deepEqual(restore(record, [], submitted as never).risks, { shell: 'high' });
});

test('nobody there, heard while a person is asked: blocked once that is decided, and it goes on when somebody comes', () => {
  const two = { routes: {}, steps: [step('a', { capability: 'shell' }), step('b', { capability: 'shell' })] };
  const asked = () =>
    given(two).routed('b', 'executor', 1, 'high').command('pause').command('resume').unrouted('a', 'nobody is left');
  const world = asked();
  assert.deepEqual([world.step('a').status, world.of('route').length], ['awaiting_approval', 2]);
  world.approve('a');
  assert.deepEqual([world.step('a').status, world.step('a').waiting_for], ['blocked', 'nobody is left']);
  assert.deepEqual(world.routed('a', 'executor').ordered(), ['a.1']);
  assert.deepEqual(asked().routed('a', 'executor').approve('a').ordered(), ['a.1'], 'somebody came before that');
  const paused = asked().command('pause').approve('a');
  assert.equal(paused.step('a').status, 'ready');
  assert.equal(paused.command('resume').step('a').status, 'blocked');
});
