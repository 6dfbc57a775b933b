// Steps that are whole tasks, over a real server: what a child gave comes back once, what is done to the parent reaches it, and no crash
// makes two of one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, parseEventSubject } from '@capstan/contracts';
import { usualWork } from './support/agent.ts';
import { audit } from './support/audit.ts';
import { readAll } from './support/replay.ts';
import { newId, startWorld, type World } from './support/world.ts';

const child = (id: string, plan: Json, more: object = {}, input: Record<string, Json> = {}) => ({
  id,
  capability: 'task',
  input: { title: 'A part', plan, ...input },
  ...more,
});
const echo = (text: string) => ({ steps: [{ id: 'say', capability: 'echo', input: { text } }] });
const held = { steps: [{ id: 'hold', capability: 'hold' }] };

const childOf = async (world: World, task: string, step: string): Promise<string> => {
  const found = await world.until(task, `${step} runs`, ({ steps }) => steps[step]?.status === 'running');
  return found.steps[step]?.agent ?? '';
};

/** Of an event of a task: how often it is in the log. */
const said = async (world: World, task: string, kind: string, ...name: string[]): Promise<number> => {
  const messages = await readAll(world.bus, world.names.streams.events);
  return messages.filter(({ subject }) => {
    const event = parseEventSubject(world.names, subject);
    return event?.task === task && event.kind === kind && name.every((part, at) => event.name[at] === part);
  }).length;
};

const mustBeWhole = async (world: World, ids: readonly string[]): Promise<void> => {
  await world.checkpointed(ids);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, ids)).violations, []);
};

test('the output of the child is the output of the step, two levels deep', async () => {
  await using world = await startWorld();
  const task_id = newId();
  const inner = child('inner', {
    params: { word: '${{ params.word }}' },
    steps: [{ id: 'say', capability: 'echo', input: { text: 'so ${{ params.word }}' } }],
  });
  const plan = {
    steps: [
      { id: 'first', capability: 'echo', input: { word: 'deep' } },
      {
        id: 'outer',
        capability: 'task',
        depends_on: ['first'],
        input: { title: 'Outer', plan: { params: { word: '${{ steps.first.output.word }}' }, steps: [inner] } },
      },
      { id: 'last', capability: 'echo', depends_on: ['outer'], input: { heard: '${{ steps.outer.output.text }}' } },
    ],
  };
  await world.submit({ task_id, requester: 'alice', plan });
  const ended = await world.ended(task_id);
  assert.deepEqual([ended.status, ended.result], ['succeeded', { heard: 'so deep' }]);
  const outer = await world.task(ended.steps['outer']?.agent ?? '');
  assert.deepEqual(
    [outer.status, outer.requester, outer['parent']],
    ['succeeded', 'alice', { task_id, step_id: 'outer', attempt: 1 }],
  );
  await mustBeWhole(world, [task_id]);
});

test('a child that fails does to its step what the plan says', async () => {
  await using world = await startWorld();
  const broken = { steps: [{ id: 'x', capability: 'fail', input: { times: 9 }, retry: { max_attempts: 1 } }] };
  const [stops, goesOn, asks] = [newId(), newId(), newId()];
  await world.submit({ task_id: stops, plan: { steps: [child('a', broken)] } });
  await world.submit({
    task_id: goesOn,
    plan: { steps: [child('a', broken, {}, { on_child_failure: 'continue' }), { id: 'b', capability: 'noop' }] },
  });
  await world.submit({ task_id: asks, plan: { steps: [child('a', broken, {}, { on_child_failure: 'ask' })] } });

  const failed = await world.ended(stops);
  assert.deepEqual([failed.status, failed.steps['a']?.error?.code], ['failed', 'child_failed']);
  assert.match(failed.reason ?? '', /step "x" failed with flaky/);
  assert.equal((await world.ended(goesOn)).status, 'succeeded');
  const flagged = await world.until(asks, 'a person is asked', ({ status }) => status === 'awaiting_input');
  await world.api('inbox.reject', { id: flagged.interventions[0], by: 'alice' });
  assert.equal((await world.ended(asks)).status, 'failed');
  await mustBeWhole(world, [stops, goesOn, asks]);
});

test('a child that can not be begun fails its step and says why', async () => {
  await using world = await startWorld();
  const task_id = newId();
  const input = { title: 'x', plan_ref: { ref: 'capstan_artifacts/uploads/nothing.json' } };
  await world.submit({
    task_id,
    plan: { steps: [{ id: 'a', capability: 'task', input, on_failure: 'continue' }] },
  });
  const { error } = (await world.ended(task_id)).steps['a'] ?? {};
  assert.deepEqual([error?.code, error?.message], ['invalid_input', 'plan_ref.ref names nothing in the object store.']);
  await mustBeWhole(world, [task_id]);
});

test('pausing, resuming and cancelling a task reach the tasks below it', async () => {
  await using world = await startWorld();
  const task_id = newId();
  const work = {
    steps: [
      { id: 'wait', capability: 'ask' },
      { id: 'hold', capability: 'hold', depends_on: ['wait'] },
    ],
  };
  await world.submit({ task_id, plan: { steps: [child('a', { steps: [child('b', work)] })] } });
  const outer = await childOf(world, task_id, 'a');
  const inner = await childOf(world, outer, 'b');
  const asking = await world.until(inner, 'it asks', ({ status }) => status === 'awaiting_input');

  await world.api('task.pause', { task_id, by: 'alice' });
  await world.until(inner, 'the pause came', ({ status_history }) =>
    status_history.some(({ status }) => status === 'paused'),
  );
  await world.api('inbox.answer', { id: asking.interventions[0], by: 'alice', value: 1 });
  await world.until(inner, 'nothing is started', ({ steps }) => steps['wait']?.status === 'ready');

  await world.api('task.resume', { task_id, by: 'alice' });
  await world.until(inner, 'it goes on', ({ steps }) => steps['hold']?.status === 'running');
  await world.api('task.cancel', { task_id, by: 'alice', reason: 'enough' });
  assert.equal((await world.ended(task_id)).status, 'cancelled');
  const ended = await world.ended(inner);
  assert.deepEqual([ended.status, ended.steps['hold']?.attempts[0]?.outcome], ['cancelled', 'cancelled']);
  await mustBeWhole(world, [task_id]);
});

test('pausing and resuming a task lets no checkpoint pass that a task below it waits at', async () => {
  await using world = await startWorld();
  const task_id = newId();
  const plan = {
    steps: [
      { id: 'build', capability: 'noop' },
      { id: 'merge', capability: 'echo', depends_on: ['build'] },
    ],
  };
  const part = child('part', plan, {}, { checkpoints: ['merge'] });
  await world.submit({ task_id, plan: { steps: [part, { id: 'more', capability: 'hold' }] } });
  const below = await childOf(world, task_id, 'part');
  const waiting = await world.until(below, 'its checkpoint', ({ status }) => status === 'paused');
  let { seq } = waiting;
  for (const command of ['pause', 'resume']) {
    await world.api(`task.${command}`, { task_id, by: 'alice' });
    ({ seq } = await world.until(below, `it hears ${command}`, (task) => task.seq > seq));
  }
  const still = await world.task(below);
  assert.deepEqual([still.status, still.reason, still.steps['merge']?.status], ['paused', waiting.reason, 'ready']);
  await world.api('task.resume', { task_id: below, by: 'alice' });
  assert.equal((await world.ended(below)).status, 'succeeded');
  await world.api('task.cancel', { task_id, by: 'alice' });
  await world.ended(task_id);
  await mustBeWhole(world, [task_id]);
});

test('coordinators that are killed again and again make no second child, and lose none', async () => {
  await using world = await startWorld({ coordinators: 2, agent: false, ackWaitMs: 3_000 });
  await world.agent({ tags: { kind: 'test' }, work: usualWork });
  const ids = Array.from({ length: 12 }, () => newId('family'));
  const plan = {
    steps: [
      { ...child('part', echo('part ${{ task.id }}')), each: { count: 4 } },
      { ...child('join', { steps: [child('deeper', echo('end'))] }), depends_on: ['part'] },
    ],
  };
  const submitting = Promise.all(ids.map((task_id) => world.plain({ task_id, plan })));
  // All in all they need 216 events: a submission and a report of each task, and of each child.
  for (const seq of [30, 75, 120, 165]) {
    await world.eventAt(seq);
    await world.coordinators.findLast((one) => one.alive())?.kill();
    await world.coordinator();
  }
  await submitting;
  await world.allEnded(ids, 90_000);
  for (const id of ids) {
    const ended = await world.task(id);
    assert.equal(ended.status, 'succeeded', JSON.stringify(ended.steps['part-0']));
    const children = Object.values(ended.steps).map((step) => step.agent ?? '');
    assert.equal(new Set(children).size, 5);
    for (const one of children) assert.equal(await said(world, one, 'submitted'), 1);
    assert.equal(await said(world, id, 'report', 'task'), 5);
  }
  await mustBeWhole(world, ids);
});

test('a child has a name of its own, and who cancels it fails the step', async () => {
  await using world = await startWorld();
  const task_id = newId();
  await world.submit({ task_id, plan: { steps: [child('a', held)] } });
  const id = await childOf(world, task_id, 'a');
  assert.match((await world.task(task_id)).steps['a']?.waiting_for ?? '', new RegExp(`^task ${id} to end`));
  await world.api('task.cancel', { task_id: id, by: 'alice' });
  const ended = await world.ended(task_id);
  assert.deepEqual([ended.status, ended.steps['a']?.error?.code], ['failed', 'child_cancelled']);
});
