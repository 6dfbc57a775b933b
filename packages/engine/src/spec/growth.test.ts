// Rules: a step may add steps when it succeeds. They are checked with all the others first; a name that is taken is refused, always.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step, type World } from '../testing.ts';

const adding = (world: World, name: string, ...steps: unknown[]) => world.report(name, { add_steps: steps as never });
const refused = (world: World, name = 'a') => `${world.step(name).error?.code}: ${world.step(name).error?.message}`;

test('added steps run like any other, and the task waits for them', () => {
  const world = adding(given({ steps: [step('a')] }), 'a', step('b', 'a'), step('c', 'b'));
  assert.deepEqual(world.ordered(), ['b.1']);
  assert.equal(world.done('b', 'c').status, 'succeeded');
});

test('the plan is another one since', () => {
  const world = given({ steps: [step('a')] });
  const before = world.record.plan_hash;
  assert.notEqual(adding(world, 'a', step('b')).record.plan_hash, before);
});

test('added steps may be families and belong to phases, whose gate waits for them', () => {
  const plan = {
    phases: [{ name: 'p', gate: { min_success_rate: 1 } }, { name: 'q' }],
    steps: [step('a', { phase: 'p' }), step('z', { phase: 'q' })],
  };
  const world = adding(given({ plan }), 'a', step('f', 'a', { phase: 'p', each: { count: 2 } }));
  assert.deepEqual(world.ordered(), ['f-0.1', 'f-1.1']);
  assert.deepEqual(world.done('f-0', 'f-1').ordered(), ['z.1']);
});

test('a name that is taken is refused: of a step, of a family, of a member, of a member to come, of a phase', () => {
  const plan = {
    phases: [{ name: 'p' }],
    steps: [
      step('a', { phase: 'p' }),
      step('f', { each: { count: 2 } }),
      step('list', 'a', { each: { items: '${{ steps.a.output.items }}' } }),
    ],
  };
  for (const id of ['a', 'f', 'f-0', 'list', 'list-0', 'list-99', 'p']) {
    assert.match(
      refused(adding(given({ plan }), 'a', step(id))),
      /^invalid_steps: .*(names|is the name of a phase|would be a member)/,
      id,
    );
  }
  assert.equal(adding(given({ plan }), 'a', step('f-2'), step('list-x')).step('a').status, 'succeeded');
});

test('a family may not take names that are taken by steps', () => {
  const steps = [step('a'), step('g-1')];
  assert.match(refused(adding(given({ steps }), 'a', step('g', { each: { count: 2 } }))), /"g-1" names two steps/);
  assert.match(
    refused(adding(given({ steps }), 'a', step('g', 'g-1', { each: { items: '${{ params.x }}' } }))),
    /"g-1" would be a member of the family "g"/,
  );
});

test('what is wrong with added steps fails the attempt, and the next one is told', () => {
  const world = adding(given({ steps: [step('a')] }), 'a', step('b', 'nobody'));
  assert.equal(world.step('a').status, 'retrying');
  assert.match(world.wake('retry').lastOrder('a').last_failure?.message ?? '', /no step or phase is named "nobody"/);
  for (const bad of [
    { id: '_notify-7', capability: 'notify' },
    { id: 'x' },
    { id: 'x', capability: 'noop', depends_on: ['x'] },
    7,
  ]) {
    assert.equal(adding(given({ steps: [step('a')] }), 'a', bad).step('a').error?.code, 'invalid_steps');
  }
});

test('the very same step again is no collision: the work that adds it was done twice', () => {
  const world = adding(given({ steps: [step('a', { verify: [{ command: ['test'] }] })] }), 'a', step('b', 'a'));
  world.report('a', { output: { passed: false, checks: [] } }).wake('retry');
  adding(world, 'a', step('b', 'a')).report('a', { output: { passed: true, checks: [] } });
  assert.deepEqual(world.ordered(), ['b.1']);
  assert.deepEqual(Object.keys(world.record.steps), ['a', 'b']);
});

test('a name stays taken after its step was skipped', () => {
  const world = given({ steps: [step('a'), step('gone', { when: 'false' })] });
  assert.match(refused(adding(world, 'a', step('gone', { input: { other: 1 } }))), /"gone" names two steps/);
});

test('a task grows within its budget of steps', () => {
  const world = given({ budget: { steps: 3 }, steps: [step('a'), step('b')] });
  assert.match(refused(adding(world, 'a', step('c'), step('d'))), /2 steps are too many; 1 more are allowed/);
});

test('what is added must fit into the record of the task', () => {
  const world = adding(given({ steps: [step('a')] }), 'a', step('b', { input: { text: 'x'.repeat(600_000) } }));
  assert.match(refused(world), /at most 524288 are kept/);
});

test('errands and undoing may not add steps', () => {
  const world = given({ callback_url: 'https://example.org/', steps: [step('a')] }).done('a');
  adding(world, '_notify-1', step('more'));
  assert.equal(world.step('_notify-1').status, 'succeeded');
  assert.deepEqual(Object.keys(world.record.steps), ['a', '_notify-1']);
});

test('a step may be added to a phase that is over; what comes after waits again, as far as it has not begun', () => {
  const plan = {
    phases: [{ name: 'p' }, { name: 'q' }],
    steps: [step('a', { phase: 'p' }), step('b', { phase: 'q' }), step('c', 'b', { phase: 'q' })],
  };
  const world = adding(given({ plan }).done('a'), 'b', step('late', { phase: 'p' }));
  assert.deepEqual(world.ordered(), ['late.1']);
  assert.deepEqual(world.done('late').ordered(), ['c.1']);
});
