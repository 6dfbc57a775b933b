// Rules: where the plan says so, the planner is asked anew after a failure. What succeeded stays, no name comes back, and it ends some time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step, type World } from '../testing.ts';

const once = { retry: { max_attempts: 1 } };
const plans = (world: World, n: number, ...steps: unknown[]) =>
  world.report(`_replan-${n}`, { output: { plan: { steps } } as never });
const asked = (world: World, n = 1) => world.lastOrder(`_replan-${n}`).input['feedback'] as Record<string, unknown>;

const begun = () =>
  given({ replan: { max: 2 }, steps: [step('a'), step('b', 'a', once), step('c', 'b')] })
    .done('a')
    .fail('b');

test('the planner is told what failed, what is done, and which names are taken', () => {
  const world = begun();
  assert.deepEqual(world.ordered(), ['_replan-1.1']);
  const { reason, round, rounds_left, done, failed, taken } = asked(world);
  assert.match(String(reason), /step "b" failed with flaky/);
  assert.deepEqual([round, rounds_left, done, taken], [1, 1, ['a'], ['b', 'c']]);
  assert.deepEqual(
    (failed as { id: string }[]).map(({ id }) => id),
    ['b', 'c'],
  );
  assert.deepEqual([world.status, world.reason.includes('planning anew')], ['planning', true]);
});

test('its new steps go on from what succeeded, which is not done again', () => {
  const world = plans(begun(), 1, step('b2', 'a'), step('c2', 'b2'));
  assert.deepEqual(world.ordered(), ['b2.1']);
  assert.equal(world.done('b2', 'c2').status, 'succeeded');
  assert.deepEqual(
    [world.step('a').attempt, world.step('b').status, world.step('c').status],
    [1, 'skipped', 'skipped'],
  );
  assert.deepEqual(world.orders(), ['a.1', 'b.1', '_replan-1.1', 'b2.1', 'c2.1']);
});

test('naming again what stays is no new step', () => {
  const world = plans(begun(), 1, step('a'), step('b2', 'a'));
  assert.deepEqual(world.ordered(), ['b2.1']);
  assert.equal(world.step('a').attempt, 1);
});

test('the name of a step that is gone is never used again, and nothing may wait for it', () => {
  const again = plans(begun(), 1, step('b', 'a'));
  assert.match(again.step('_replan-1').error?.message ?? '', /"b" is the name of a step that is no part of the plan/);
  const waits = plans(begun(), 1, step('d', 'b'));
  assert.match(waits.step('_replan-1').error?.message ?? '', /"d" depends on "b", which did not succeed/);
  assert.match(waits.wake('retry').lastOrder('_replan-1').last_failure?.message ?? '', /depends on "b"/);
  const later = plans(begun(), 1, step('d', 'a', once)).fail('d');
  assert.match(plans(later, 2, step('b')).step('_replan-2').error?.message ?? '', /"b" is the name/);
});

test('a plan that can not be run goes back to the planner', () => {
  const world = plans(begun(), 1, step('x', 'y'), step('y', 'x'));
  assert.deepEqual([world.step('_replan-1').status, world.step('_replan-1').error?.code], ['retrying', 'invalid_plan']);
  assert.deepEqual(plans(world.wake('retry'), 1, step('x', 'a')).ordered(), ['x.1']);
});

test('it is asked as often as was said; then the failure counts', () => {
  let world = plans(begun(), 1, step('d', once)).fail('d');
  assert.deepEqual(world.ordered(), ['_replan-2.1']);
  world = plans(world, 2, step('e', once)).fail('e');
  assert.equal(world.status, 'failed');
  assert.match(world.reason, /step "e" failed/);
});

test('where the planner itself gives up, its failure is what the task fails of', () => {
  const world = begun().fail('_replan-1').wake('retry').fail('_replan-1').wake('retry').fail('_replan-1');
  assert.deepEqual([world.status, world.orders().some((name) => name.startsWith('_replan-2'))], ['failed', false]);
});

test('what runs goes on meanwhile, and stays; what waits is not begun', () => {
  const world = given({ replan: { max: 1 }, steps: [step('a', once), step('slow'), step('next', 'slow')] }).fail('a');
  world.done('slow');
  assert.deepEqual(
    [world.step('next').status, world.step('next').waiting_for],
    ['ready', 'the planner, which was asked for another plan'],
  );
  plans(world, 1, step('z', 'slow'));
  assert.deepEqual([world.step('next').status, world.ordered()], ['skipped', ['z.1']]);
  assert.equal(world.done('z').status, 'succeeded');
});

test('what waits and is named again stays', () => {
  const world = given({ replan: { max: 1 }, steps: [step('a', once), step('slow'), step('next', 'slow')] }).fail('a');
  plans(world, 1, step('next', 'slow'));
  assert.equal(world.done('slow', 'next').status, 'succeeded');
});

test('a failure that trying again will not mend goes to the planner before it goes to a person', () => {
  const world = given({ replan: { max: 1 }, steps: [step('a')] }).fail('a', 'never', { retryable: false });
  assert.deepEqual([world.ordered(), world.of('ask').length], [['_replan-1.1'], 0]);
  const last = plans(world, 1, step('b')).fail('b', 'never', { retryable: false });
  assert.equal(last.step('b').status, 'awaiting_input');
});

test('the plan may say it too, and a gate that is not passed is a failure like any other', () => {
  const plan = {
    replan: { max: 1 },
    phases: [{ name: 'p', gate: { min_success_rate: 1 } }, { name: 'q' }],
    steps: [step('a', once, { phase: 'p' }), step('z', { phase: 'q' })],
  };
  const world = given({ plan }).fail('a');
  plans(world, 1, step('a2', { phase: 'p' }), step('z2', { phase: 'q' }));
  assert.deepEqual(world.ordered(), ['a2.1']);
  assert.equal(world.done('a2', 'z2').status, 'succeeded');
});

test('a step that is gone is not brought back, by a retry or by its dead letter', () => {
  const world = plans(begun(), 1, step('b2', 'a'));
  assert.match(world.command('retry', 'b').ignored ?? '', /is not part of the plan any more/);
  assert.match(world.redrive('b').ignored ?? '', /is not part of the plan any more/);
});

test('cancel and deadline end a task that is planned anew', () => {
  assert.equal(begun().command('cancel').wake('cancel').status, 'cancelled');
});

test('a task that does not ask for it fails as it always did', () => {
  assert.equal(given({ steps: [step('a', once)] }).fail('a').status, 'failed');
});

test('what the last steps gave is the result, whatever else was to come after them', () => {
  const last = given({ replan: { max: 1 }, steps: [step('a'), step('b', 'a', once)] })
    .report('a', { output: { n: 1 } })
    .fail('b');
  plans(last, 1, step('a'));
  assert.deepEqual([last.status, last.record.result], ['succeeded', { n: 1 }]);
});
