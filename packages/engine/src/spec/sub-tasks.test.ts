// Rules: a step of capability "task" is done by a whole task. What it gave is the step's output; how it failed is the step's failure.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parent } from '@capstan/contracts';
import { given, step } from '../testing.ts';

const plan = { steps: [{ id: 'work', capability: 'noop' }] };
const child = (id: string, ...rest: (string | Record<string, unknown>)[]) =>
  step(id, { capability: 'task', input: { title: 'A part', plan } }, ...rest);
const failed = { error: { code: 'child_failed', message: 'Task _x failed: it broke', retryable: true } };
const parent: Parent = { task_id: 'p', step_id: 's', attempt: 1, depth: 1, depth_max: 8, key: 'k' };

test('the step begins a task, whose id follows from the step and the attempt', () => {
  const world = given({ steps: [child('a'), step('b', 'a', { input: { got: '${{ steps.a.output.n }}' } })] });
  const begun = world.spawned('a');
  assert.match(begun.child, /^_[0-9a-f]{31}$/);
  assert.deepEqual([begun.attempt, begun.depth, begun.request.task_id], [1, 1, begun.child]);
  assert.deepEqual([world.step('a').status, world.step('a').agent], ['running', begun.child]);
  assert.match(world.step('a').waiting_for ?? '', /^task _[0-9a-f]+ to end/);
  assert.equal(given({ steps: [child('a')] }).spawned('a').child, begun.child);
});

test('what the task gave is the output of the step, and what it used counts for both', () => {
  const world = given({ steps: [child('a'), step('b', 'a', { input: { got: '${{ steps.a.output.n }}' } })] });
  world.childEnds('a', { output: { n: 7 }, usage: { tokens_in: 5, tokens_out: 1, wall_ms: 9 } });
  assert.deepEqual(world.lastOrder('b').input, { got: 7 });
  assert.equal(world.record.usage.tokens_in, 5);
});

test('the steps of the task speak of that task; its parameters come from the parent', () => {
  const input = {
    title: 'Build ${{ steps.a.output.what }}',
    plan: {
      params: { what: '${{ steps.a.output.what }}' },
      steps: [{ id: 'work', capability: 'echo', input: { text: '${{ params.what }}' } }],
    },
  };
  const world = given({ steps: [step('a'), step('b', 'a', { capability: 'task', input })] });
  const begun = world.report('a', { output: { what: 'it' } }).spawned('b');
  assert.equal(begun.request.title, 'Build it');
  assert.deepEqual(begun.plan?.params, { what: 'it' });
  assert.deepEqual(begun.plan?.steps[0]?.input, { text: '${{ params.what }}' });
});

test('it belongs to whoever the parent belongs to, whatever its input says', () => {
  const input = { title: 'Mine', tenant: 'other', requester: 'other', plan };
  const world = given({
    tenant: 'red',
    requester: 'alice',
    priority: 'high',
    steps: [step('a', { capability: 'task', input })],
  });
  const { tenant, requester, priority } = world.spawned('a').request;
  assert.deepEqual([tenant, requester, priority], ['red', 'alice', 'high']);
});

test('by default a task that failed fails its step, at once and without asking', () => {
  const world = given({ steps: [child('a'), step('b', 'a')] }).childEnds('a', failed);
  assert.deepEqual([world.step('a').status, world.step('a').error?.code], ['failed', 'child_failed']);
  assert.deepEqual([world.status, world.of('bury').length], ['failed', 1]);
});

test('with retries it is done again by another task', () => {
  const world = given({ steps: [child('a', { retry: { max_attempts: 2 } })] });
  const first = world.spawned('a').child;
  world.childEnds('a', failed).wake('retry');
  assert.notEqual(world.spawned('a').child, first);
  assert.equal(world.childEnds('a').status, 'succeeded');
});

test('"ask": a person says whether to try again, skip or give up', () => {
  const asking = child('a', { input: { title: 'A part', plan, on_child_failure: 'ask' } });
  const world = given({ steps: [asking, step('b', 'a')] }).childEnds('a', failed);
  assert.deepEqual([world.step('a').status, world.intervention('a').kind], ['awaiting_input', 'flag']);
  world.approve('a');
  assert.equal(world.spawned('a').attempt, 2);
  assert.deepEqual(world.childEnds('a').ordered(), ['b.1']);
});

test('"continue": the rest goes on without it', () => {
  const tolerant = child('a', { input: { title: 'A part', plan, on_child_failure: 'continue' } });
  const world = given({ steps: [tolerant, step('b', 'a'), step('c')] })
    .childEnds('a', failed)
    .done('c');
  assert.deepEqual(world.statuses(), { a: 'failed', b: 'skipped', c: 'succeeded' });
  assert.equal(world.status, 'succeeded');
});

test('"on_failure": "skip" is what it is for any step', () => {
  const world = given({ steps: [child('a', { on_failure: 'skip' }), step('b', 'a')] }).childEnds('a', failed);
  assert.deepEqual([world.step('a').status, world.ordered()], ['skipped', ['b.1']]);
});

test('cancelling the parent cancels the child, and waits until that has ended', () => {
  const world = given({ steps: [child('a')] });
  const { child: id } = world.spawned('a');
  world.command('cancel');
  const steered = world.of('steer');
  assert.deepEqual(
    steered.map((one) => [one.child, one.command]),
    [[id, 'cancel']],
  );
  assert.equal(world.status, 'running');
  world.childEnds('a', { error: { code: 'child_cancelled', message: 'Task was cancelled', retryable: false } });
  assert.equal(world.status, 'cancelled');
});

test('a child that does not end is left behind after a while', () => {
  const world = given({ steps: [child('a')] }).command('cancel');
  assert.ok(world.timer('cancel').at - world.at > 10_000);
  assert.equal(world.wake('cancel').status, 'cancelled');
});

test('pausing the parent pauses the child, resuming resumes it', () => {
  const world = given({ steps: [child('a'), step('b')] })
    .command('pause')
    .done('b')
    .command('resume');
  assert.deepEqual(
    world.of('steer').map(({ command }) => command),
    ['pause', 'resume'],
  );
  assert.notEqual(world.of('steer')[0]?.id, world.of('steer')[1]?.id);
});

/** What the task above says, with the number of the event that it follows from. */
const above = (world: ReturnType<typeof given>, said: number, command: 'pause' | 'resume') =>
  world.tell({ kind: 'commanded', id: `p${said}-${command}`, body: { v: 1, command, by: 'task p', reason: 'x' } });
const part = (more: object = {}) => given({ parent, task_id: '_c', steps: [step('a'), step('b', 'a')], ...more });

test('a task that is held from above starts nothing, and goes on when that goes on', () => {
  const world = above(part(), 5, 'pause').done('a');
  assert.deepEqual([world.status, world.step('b').status], ['paused', 'ready']);
  assert.match(world.step('b').waiting_for ?? '', /^task p to go on/);
  assert.deepEqual(above(world, 7, 'resume').ordered(), ['b.1']);
});

test('what holds a child on its own account is not lifted from above: a checkpoint, its start, a failure, its own pause', () => {
  const failing = { on_failure: 'pause', steps: [step('a', { retry: { max_attempts: 1 } }), step('b')] };
  for (const world of [
    part({ checkpoints: ['b'] }).done('a'),
    part({ start: false }),
    part(failing).fail('a').done('b'),
    part().command('pause').done('a'),
  ]) {
    const { status, reason } = world;
    above(above(world, 5, 'pause'), 7, 'resume');
    assert.deepEqual([world.status, world.reason, world.ordered()], [status, reason, []]);
    world.command(status === 'planned' ? 'start' : 'resume');
    assert.notEqual(world.status, status);
  }
});

test('what comes to hold a child while it is held from above holds it after that', () => {
  const paused = above(above(part(), 5, 'pause').command('pause').done('a'), 7, 'resume');
  assert.deepEqual([paused.status, paused.ordered()], ['paused', []]);
  assert.deepEqual(paused.command('resume').ordered(), ['b.1']);
  const failing = { on_failure: 'pause', steps: [step('a', { retry: { max_attempts: 1 } }), step('b', 'a')] };
  const failed = above(above(part(failing), 5, 'pause').fail('a'), 7, 'resume');
  assert.match(`${failed.status} ${failed.reason}`, /^paused .* because step "a" failed/);
});

test('a checkpoint that a person lets pass while the task above is paused waits for that one', () => {
  const world = above(part({ checkpoints: ['b'] }).done('a'), 5, 'pause').command('resume');
  assert.deepEqual([world.status, world.ordered()], ['paused', []]);
  assert.match(world.reason, /waits for task p to go on/);
  assert.deepEqual(above(world, 7, 'resume').ordered(), ['b.1']);
});

test('a person may resume a child alone; of two words from above the one that was said last counts', () => {
  assert.deepEqual(above(part(), 5, 'pause').done('a').command('resume').ordered(), ['b.1']);
  const world = above(above(part(), 7, 'resume'), 5, 'pause');
  assert.match(world.ignored ?? '', /has said something else since/);
  assert.deepEqual(world.done('a').ordered(), ['b.1']);
});

test('under earlier rules the task above lifts whatever holds a child', () => {
  const world = given({ parent, rules: 2, task_id: '_c', checkpoints: ['b'], steps: [step('a'), step('b', 'a')] });
  above(above(world.done('a'), 5, 'pause'), 7, 'resume');
  assert.deepEqual(world.ordered(), ['b.1']);
});

test('a child that takes longer than the step may is cancelled, and the attempt is lost', () => {
  const world = given({ steps: [child('a', { timeout_ms: 60_000 })] });
  assert.equal(world.timer('attempt').at - world.at, 60_000);
  world.wake('attempt');
  assert.deepEqual([world.of('steer')[0]?.command, world.step('a').error?.code], ['cancel', 'timeout']);
});

test('the end of a child counts once; one that comes after its time changes nothing', () => {
  const world = given({ steps: [child('a', { retry: { max_attempts: 2 }, timeout_ms: 1_000 })] }).wake('attempt');
  world.childEnds('a', { output: { late: true } });
  assert.match(world.ignored ?? '', /is not the one that runs/);
  world.wake('retry').childEnds('a', { output: { n: 1 } });
  assert.equal(world.status, 'succeeded');
  assert.notEqual(world.childEnds('a', { output: { n: 2 } }).ignored, null);
  assert.deepEqual(world.step('a').output, { n: 1 });
});

test('a task that does a step tells its parent how it ended, once', () => {
  const world = given({ parent, task_id: '_c', steps: [step('a')] }).report('a', { output: { n: 1 } });
  const [told, ...more] = world.of('inform');
  assert.deepEqual([told?.report.outcome, told?.report.output, told?.report.agent], ['succeeded', { n: 1 }, '_c']);
  assert.deepEqual([told?.parent, more.length], [parent, 0]);
  assert.deepEqual(world.record['parent'], { task_id: 'p', step_id: 's', attempt: 1 });
});

test('so does one that failed, with the reason, and one that was cancelled', () => {
  const broken = given({ parent, steps: [step('a', { retry: { max_attempts: 1 } })] }).fail('a');
  assert.match(broken.of('inform')[0]?.report.error?.message ?? '', /failed: step "a" failed with flaky/);
  const stopped = given({ parent, steps: [step('a', { risk: 'high' })] }).command('cancel');
  assert.deepEqual(
    [stopped.of('inform')[0]?.report.error?.code, stopped.of('inform')[0]?.report.error?.retryable],
    ['child_cancelled', false],
  );
});

test('a child undoes what it did before it says that it failed', () => {
  const steps = [step('a', { undo: { capability: 'noop' } }), step('b', 'a', { retry: { max_attempts: 1 } })];
  const world = given({ parent, on_failure: 'compensate', steps }).done('a').fail('b');
  assert.equal(world.of('inform').length, 0);
  assert.equal(world.done('_undo-a').of('inform').length, 1);
});

test('how deep tasks may be one below the other is bounded, and said', () => {
  const world = given({ budget: { depth: 0 }, steps: [child('a')] });
  assert.match(
    `${world.step('a').error?.code} ${world.step('a').error?.message}`,
    /^denied_by_budget a task of depth 0 .* at most 0/,
  );
  const deep = given({ parent: { ...parent, depth: 3, depth_max: 4 }, budget: { depth: 5 }, steps: [child('a')] });
  assert.deepEqual([deep.spawned('a').depth, deep.spawned('a').depthMax], [4, 4]);
});

test('a child may spend what is left of the tokens of its parent', () => {
  const world = given({ budget: { tokens: 100 }, steps: [step('x'), child('a', 'x')] });
  assert.equal(world.report('x', { usage: { tokens_in: 60 } }).spawned('a').request.budget?.tokens, 40);
});

test('what can not be a task fails the step and says why', () => {
  for (const [input, why] of [
    [{}, /there is nothing to do/],
    [{ title: 'x', plan, template: { name: 'y' } }, /one of plan, plan_ref and template/],
    [
      { title: 'x', plan: { steps: [{ id: 'a', capability: 'noop', depends_on: ['b'] }] } },
      /no step or phase is named "b"/,
    ],
    [{ title: 'x', on_failure: 'explode' }, /on_failure/],
  ] as const) {
    const world = given({ steps: [step('a', { capability: 'task', input })] });
    assert.equal(world.step('a').error?.code, 'invalid_input');
    assert.match(world.step('a').error?.message ?? '', why);
  }
});

test('each member of a family has a task of its own, and a risky one is approved first', () => {
  const world = given({ steps: [child('a', { each: { count: 2 }, risk: 'high' })] });
  assert.equal(world.of('spawn').length, 0);
  world.approve('a-0').approve('a-1');
  assert.equal(new Set(world.of('spawn').map((one) => one.child)).size, 2);
});

test('what a task gave is checked like any other work', () => {
  const world = given({ steps: [child('a', { verify: [{ command: ['true'] }] })] }).childEnds('a', {
    output: { n: 1 },
  });
  assert.equal(world.lastOrder('a').capability, 'verify');
  assert.equal(world.report('a', { output: { passed: true, checks: [] } }).status, 'succeeded');
});

test('people are told how the whole ended, and not each part of it', () => {
  const settings = { notify: [{ on: ['*'], channel: 'log' }] };
  assert.deepEqual(
    given({ parent, settings, steps: [step('a')] })
      .done('a')
      .orders(),
    ['a.1'],
  );
});
