// Rules: phases run one after the other. A gate lets on when enough succeeded; where a phase has a way back, work goes back, at most so often.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

const once = { retry: { max_attempts: 1 } };
const inPhase = (phase: string, id: string, ...rest: (string | Record<string, unknown>)[]) =>
  step(id, ...rest, { phase });

test('a phase begins when the one before it is over', () => {
  const plan = {
    phases: [{ name: 'one' }, { name: 'two' }],
    steps: [inPhase('one', 'a'), inPhase('one', 'b'), inPhase('two', 'c')],
  };
  const world = given({ plan });
  assert.deepEqual(world.orders(), ['a.1', 'b.1']);
  assert.equal(world.record.phase, 'one');
  assert.deepEqual(world.done('a', 'b').ordered(), ['c.1']);
  assert.equal(world.record.phase, 'two');
});

test('phases without steps are passed, and order goes through them', () => {
  const plan = {
    phases: [{ name: 'zero' }, { name: 'one' }, { name: 'none' }, { name: 'two' }],
    steps: [inPhase('one', 'a'), inPhase('two', 'b'), step('after', 'none')],
  };
  const world = given({ plan });
  assert.deepEqual(world.orders(), ['a.1']);
  assert.deepEqual(world.done('a').ordered().toSorted(), ['after.1', 'b.1']);
});

test('a phase whose steps were all skipped early is not over before the one in front of it', () => {
  const plan = {
    phases: [{ name: 'one' }, { name: 'two' }, { name: 'three' }],
    steps: [inPhase('one', 'a'), inPhase('two', 'b'), inPhase('three', 'c')],
  };
  const world = given({ plan }).command('skip', 'b');
  assert.deepEqual(world.orders(), ['a.1']);
  assert.deepEqual(world.done('a').ordered(), ['c.1']);
});

const gated = (rate: number, more: Record<string, unknown> = {}) => ({
  phases: [{ name: 'one', gate: { min_success_rate: rate }, ...more }, { name: 'two' }],
  steps: [inPhase('one', 'a', once), inPhase('one', 'b', once), inPhase('two', 'c')],
});

test('a gate of one half lets on when one of two succeeded', () => {
  const world = given({ plan: gated(0.5) })
    .fail('a')
    .done('b');
  assert.deepEqual(world.ordered(), ['c.1']);
  assert.equal(world.done('c').status, 'succeeded');
});

test('a gate of nothing lets on whatever happened', () => {
  assert.deepEqual(
    given({ plan: gated(0) })
      .fail('a')
      .fail('b')
      .ordered(),
    ['c.1'],
  );
});

test('a gate of one stops the task when anything failed, once the phase is over', () => {
  const world = given({ plan: gated(1) }).fail('a');
  assert.equal(world.status, 'running');
  world.done('b');
  assert.equal(world.status, 'failed');
  assert.equal(world.reason, 'phase "one" did not pass its gate: 1 of 2 steps succeeded (0.50, wanted 1)');
  assert.equal(world.step('c').status, 'skipped');
});

test('a gate counts what could not run as failed, and what was skipped on purpose not at all', () => {
  const steps = [
    inPhase('one', 'a', once),
    inPhase('one', 'b', 'a'),
    inPhase('one', 'no', { when: 'false' }),
    inPhase('one', 'd'),
  ];
  const world = given({ plan: { phases: [{ name: 'one', gate: { min_success_rate: 0.5 } }], steps } })
    .fail('a')
    .done('d');
  assert.match(world.reason, /1 of 3 steps succeeded/);
});

test('a phase without a gate only gives an order; each step is judged by itself', () => {
  const plan = {
    phases: [{ name: 'one' }, { name: 'two' }],
    steps: [inPhase('one', 'a', once, { on_failure: 'continue' }), inPhase('two', 'b')],
  };
  const world = given({ plan }).fail('a');
  assert.deepEqual(world.ordered(), ['b.1']);
  assert.equal(world.done('b').status, 'succeeded');
});

test('after a gate that did not let on, no later phase begins, an empty one in between or not', () => {
  const phases = [
    { name: 'one', gate: { min_success_rate: 1 } },
    { name: 'none' },
    { name: 'two', gate: { min_success_rate: 0 } },
    { name: 'three' },
  ];
  const plan = {
    phases,
    steps: [inPhase('one', 'a', once), inPhase('two', 'b'), inPhase('three', 'c'), step('beside')],
  };
  const world = given({ on_failure: 'continue', plan }).fail('a').done('beside');
  assert.deepEqual(world.statuses(), { a: 'failed', b: 'skipped', c: 'skipped', beside: 'succeeded' });
  assert.equal(world.status, 'failed');
});

const looping = (loops: number) => ({
  phases: [{ name: 'build' }, { name: 'watch', feedback_to: 'build', max_loops: loops }, { name: 'after' }],
  steps: [inPhase('build', 'make'), inPhase('watch', 'look', once), inPhase('after', 'end')],
});

test('a way back does the phases again, with attempt numbers that go on', () => {
  const world = given({ plan: looping(1) })
    .done('make')
    .fail('look');
  assert.deepEqual(world.orders(), ['make.1', 'look.1', 'make.2']);
  assert.equal(world.step('look').status, 'pending');
  assert.deepEqual(world.done('make').ordered(), ['look.2']);
  assert.equal(world.lastOrder('look').last_failure?.code, 'flaky');
  assert.equal(world.done('look', 'end').status, 'succeeded');
});

test('work goes back at most so often; then the gate has its say', () => {
  const world = given({ plan: looping(2) })
    .done('make')
    .fail('look')
    .done('make')
    .fail('look')
    .done('make')
    .fail('look');
  assert.equal(world.status, 'failed');
  assert.match(world.reason, /phase "watch" did not pass its gate: 0 of 1 .*, after 2 loops back/);
});

test('a way back to an empty phase begins with the first step after it', () => {
  const plan = {
    phases: [{ name: 'none' }, { name: 'one' }, { name: 'two', feedback_to: 'none' }],
    steps: [inPhase('one', 'a'), inPhase('two', 'b', once)],
  };
  assert.deepEqual(given({ plan }).done('a').fail('b').ordered(), ['a.2']);
});

test('what depends on a step that is done again is done again, in whatever phase, and what runs of it is told to stop', () => {
  const plan = {
    phases: [{ name: 'p', feedback_to: 'p' }],
    steps: [inPhase('p', 'a'), inPhase('p', 'b', 'a', once), step('beside', 'a'), step('apart')],
  };
  const world = given({ plan }).done('a').fail('b');
  assert.deepEqual(
    world.of('cancel').map(({ step: of, attempt }) => `${of}.${attempt}`),
    ['beside.1'],
  );
  assert.deepEqual(world.statuses(), { a: 'running', b: 'pending', beside: 'pending', apart: 'running' });
  assert.deepEqual(world.done('a').ordered().toSorted(), ['b.2', 'beside.2']);
});

test('what could not run because of a failure gets its chance in the next round', () => {
  const plan = { phases: [{ name: 'p', feedback_to: 'p' }], steps: [inPhase('p', 'a', once), step('beside', 'a')] };
  const world = given({ plan }).fail('a');
  assert.equal(world.step('beside').status, 'pending');
  assert.deepEqual(world.done('a').ordered(), ['beside.1']);
});

test('what a person skipped stays skipped in the next round', () => {
  const plan = { phases: [{ name: 'p', feedback_to: 'p' }], steps: [inPhase('p', 'a', once), inPhase('p', 'b')] };
  const world = given({ plan }).command('skip', 'b').fail('a');
  assert.deepEqual(world.statuses(), { a: 'running', b: 'skipped' });
});

test('a phase that is over because its last family is empty has its gate judged too', () => {
  const plan = {
    phases: [{ name: 'p', gate: { min_success_rate: 1 } }, { name: 'q' }],
    steps: [
      inPhase('p', 'a', once),
      step('list'),
      inPhase('p', 'f', 'list', { each: { items: '${{ steps.list.output.items }}' } }),
      inPhase('q', 'b'),
    ],
  };
  const world = given({ plan })
    .fail('a')
    .report('list', { output: { items: [] } });
  assert.equal(world.status, 'failed');
  assert.match(world.reason, /did not pass its gate/);
});

test('a step may depend on a whole phase', () => {
  const plan = { phases: [{ name: 'p' }], steps: [inPhase('p', 'a'), inPhase('p', 'b'), step('after', 'p')] };
  assert.deepEqual(given({ plan }).done('a', 'b').ordered(), ['after.1']);
});
