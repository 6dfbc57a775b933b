// Rules: `each` makes a step a family. Its members run side by side; what depends on the family waits for all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

const once = { retry: { max_attempts: 1 } };

test('a count makes that many members, each with its number', () => {
  const world = given({ steps: [step('f', { each: { count: 3 }, input: { n: '${{ each.index }}' } })] });
  assert.deepEqual(world.orders(), ['f-0.1', 'f-1.1', 'f-2.1']);
  assert.deepEqual(world.lastOrder('f-2').input, { n: 2 });
});

test('a list makes a member of each item', () => {
  const world = given({
    steps: [step('f', { each: { items: ['eu', { name: 'us' }] }, input: { to: '${{ each.item }}' } })],
  });
  assert.deepEqual(world.lastOrder('f-1').input, { to: { name: 'us' } });
});

test('a join waits for all members, and is given what they gave', () => {
  const world = given({ steps: [step('f', { each: { count: 2 } }), step('join', 'f')] }).report('f-1', {
    output: { n: 1 },
  });
  assert.equal(world.step('join').status, 'pending');
  assert.deepEqual(world.report('f-0', { output: { n: 0 } }).ordered(), ['join.1']);
  assert.deepEqual(world.lastOrder('join').context.outputs, { f: [{ n: 0 }, { n: 1 }] });
});

test('a member that is named stands for its family: who depends on it waits for all, and is given that one by a reference', () => {
  const input = { n: '${{ steps.f-0.output.n }}' };
  const world = given({ steps: [step('f', { each: { count: 2 } }), step('after', 'f-0', { input })] });
  assert.deepEqual(world.report('f-0', { output: { n: 7 } }).ordered(), []);
  assert.deepEqual(world.done('f-1').ordered(), ['after.1']);
  assert.deepEqual(world.lastOrder('after').input, { n: 7 });
});

test('one member that fails keeps the join from running', () => {
  const world = given({ on_failure: 'continue', steps: [step('f', { each: { count: 2 } }, once), step('join', 'f')] })
    .fail('f-0')
    .done('f-1');
  assert.deepEqual(world.statuses(), { 'f-0': 'failed', 'f-1': 'succeeded', join: 'skipped' });
});

test('a family of none holds nobody up', () => {
  assert.deepEqual(given({ steps: [step('f', { each: { items: [] } }), step('join', 'f')] }).orders(), ['join.1']);
});

const dynamic = [
  step('list'),
  step('f', 'list', { each: { items: '${{ steps.list.output.items }}' }, input: { x: '${{ each.item }}' } }),
  step('join', 'f'),
];

test('where the list is an expression, the family has one more step of its own name: the list', () => {
  const world = given({ steps: dynamic });
  assert.deepEqual(world.statuses(), { list: 'running', f: 'pending', join: 'pending' });
  assert.equal(world.step('f').waiting_for, 'list to end');
  world.report('list', { output: { items: ['a', 'b'] } });
  assert.deepEqual(world.ordered(), ['f-0.1', 'f-1.1']);
  assert.deepEqual([world.step('f').status, world.step('f').output], ['succeeded', { count: 2 }]);
  assert.equal(world.done('f-0', 'f-1', 'join').status, 'succeeded');
});

test('a list that turns out empty holds nobody up', () => {
  const world = given({ steps: dynamic }).report('list', { output: { items: [] } });
  assert.deepEqual(world.ordered(), ['join.1']);
});

test('a list that is none fails, and its members are never made up', () => {
  const world = given({ on_failure: 'continue', steps: dynamic }).report('list', { output: { items: 'none' } });
  assert.equal(world.step('f').error?.code, 'unresolved_reference');
  assert.deepEqual(world.statuses(), { list: 'succeeded', f: 'failed', join: 'skipped' });
  assert.equal(world.status, 'failed');
});

test('where the step that gives the list failed, there is no list; once it is retried, there is', () => {
  const world = given({ on_failure: 'continue', steps: [step('list', once), ...dynamic.slice(1)] }).fail('list');
  assert.deepEqual(world.statuses(), { list: 'failed', f: 'skipped', join: 'skipped' });
  world.command('retry').report('list', { output: { items: ['a'] } });
  assert.deepEqual(world.ordered(), ['f-0.1']);
  assert.deepEqual(world.lastOrder('f-0').input, { x: 'a' });
});

test('members are known once and for all: a loop back does the same ones again', () => {
  const plan = {
    phases: [{ name: 'p', feedback_to: 'p', max_loops: 1 }],
    steps: dynamic.map((one) => ({ ...one, phase: 'p', ...once })),
  };
  const world = given({ plan })
    .report('list', { output: { items: ['a'] } })
    .fail('f-0')
    .report('list', { output: { items: ['b', 'c'] } });
  assert.deepEqual(world.ordered(), ['f-0.2']);
  assert.deepEqual(world.lastOrder('f-0').input, { x: 'a' });
});

test('a list longer than the budget of steps fails', () => {
  const world = given({ budget: { steps: 4 }, steps: dynamic }).report('list', { output: { items: [1, 2, 3] } });
  assert.equal(world.step('f').error?.code, 'too_many_steps');
});

test('a person may skip the list: the family then has no members', () => {
  const world = given({ steps: dynamic }).command('skip', 'f');
  assert.deepEqual(world.ordered(), ['join.1']);
  assert.deepEqual(world.report('list', { output: { items: [1] } }).statuses(), {
    list: 'succeeded',
    f: 'skipped',
    join: 'running',
  });
});
