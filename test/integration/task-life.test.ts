// A task's life, from outside: data flows, failures are tried again, people are asked, and commands do what they say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Order, taskRecord } from '@capstan/contracts';
import { usualWork, type Work } from './support/agent.ts';
import { audit } from './support/audit.ts';
import { newId, startWorld, type World } from './support/world.ts';

const orderOf = async (world: World, id: string, step: string, attempt: number): Promise<Order> => {
  const queue = 'worker';
  const stored = await world.bus.log(world.names.streams.orders).last(world.names.order(queue, id, step, attempt));
  assert.ok(stored, `an order for ${step}, attempt ${attempt}`);
  return JSON.parse(Buffer.from(stored.data).toString()) as Order;
};

const status = (of: string) => (task: { status: string }) => task.status === of;
const stepIs = (step: string, of: string) => (task: { steps: Record<string, { status: string }> }) =>
  task.steps[step]?.status === of;

test('parallel steps, a join, and what flows between them', async () => {
  await using world = await startWorld();
  const id = newId();
  await world.submit({
    task_id: id,
    title: 'Flow',
    plan: {
      params: { region: 'eu', deep: { n: 7 } },
      steps: [
        { id: 'left', capability: 'echo', input: { at: '${{ params.region }}', n: '${{ params.deep.n }}' } },
        {
          id: 'right',
          capability: 'echo',
          input: { words: 'for ${{ task.title }} in ${{ params.region }}', list: [1, 2] },
        },
        {
          id: 'each',
          capability: 'echo',
          each: { items: ['a', 'b', 'c'] },
          input: { item: '${{ each.item }}', index: '${{ each.index }}' },
        },
        { id: 'never', capability: 'echo', when: 'params.deep.n > 100' },
        {
          id: 'join',
          capability: 'echo',
          depends_on: ['left', 'right', 'each'],
          input: {
            n: '${{ steps.left.output.n }}',
            list: '${{ steps.right.output.list }}',
            text: '${{ steps.right.output.words }}!',
            all: '${{ steps.each.output }}',
          },
        },
      ],
    },
  });
  const ended = await world.ended(id);
  assert.deepEqual([ended.status, ended.counts], ['succeeded', { succeeded: 6, skipped: 1 }]);
  assert.deepEqual(ended.result, {
    n: 7,
    list: [1, 2],
    text: 'for Flow in eu!',
    all: [
      { item: 'a', index: 0 },
      { item: 'b', index: 1 },
      { item: 'c', index: 2 },
    ],
  });
  const { context } = await orderOf(world, id, 'join', 1);
  assert.deepEqual(
    Object.keys(context.outputs),
    ['left', 'right', 'each'],
    'a step is told what it depends on, and nothing else',
  );
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [id])).violations, []);
});

test('a path that does not exist fails the step and names the path', async () => {
  await using world = await startWorld();
  const { task_id } = await world.submit({
    plan: {
      steps: [
        { id: 'a', capability: 'echo', input: { x: 1 } },
        { id: 'b', capability: 'echo', depends_on: ['a'], input: { y: '${{ steps.a.output.nowhere.deep }}' } },
      ],
    },
  });
  const ended = await world.ended(task_id);
  assert.equal(ended.status, 'failed');
  assert.equal(ended.steps['b']?.error?.code, 'unresolved_reference');
  assert.match(ended.steps['b']?.error?.message ?? '', /steps\.a\.output\.nowhere/);
});

test('a failed attempt comes again, and is told why', async () => {
  await using world = await startWorld();
  const retry = { initial_delay_ms: 20, jitter: 0 };
  const { task_id } = await world.submit({
    plan: { steps: [{ id: 'a', capability: 'fail', input: { times: 2, code: 'flaky' }, retry }] },
  });
  const ended = await world.ended(task_id);
  assert.deepEqual(
    [ended.status, ended.steps['a']?.attempt, ended.steps['a']?.output],
    ['succeeded', 3, { attempt: 3 }],
  );
  assert.deepEqual(
    ended.steps['a']?.attempts.map(({ n, outcome, error }) => [n, outcome, error?.code ?? null]),
    [
      [1, 'failed', 'flaky'],
      [2, 'failed', 'flaky'],
      [3, 'succeeded', null],
    ],
  );
  const second = await orderOf(world, task_id, 'a', 2);
  assert.equal((await orderOf(world, task_id, 'a', 1)).last_failure, undefined);
  assert.deepEqual([second.last_failure?.code, second.last_failure?.message], ['flaky', 'attempt 1 was to fail']);
  assert.ok(
    Date.parse(ended.steps['a']?.attempts[1]?.started_at ?? '') -
      Date.parse(ended.steps['a']?.attempts[0]?.finished_at ?? '') >=
      20,
    'after the delay',
  );
});

test('cancelling tells the agent, and does without it after the grace', async () => {
  await using world = await startWorld({ agent: false, config: 'settings: { cancel_grace_ms: 300 }' });
  const deaf: Work = (_, cancelled) =>
    new Promise(
      (resolve) =>
        void cancelled.addEventListener('abort', () => setImmediate(() => resolve({ outcome: 'succeeded' })), {
          once: true,
        }),
    );
  await world.agent({
    work: {
      ...usualWork,
      deaf: (order, cancelled) => (order.step_id === 'gone' ? new Promise(() => {}) : deaf(order, cancelled)),
    },
  });
  const running = async (capability: string, step = 'a') => {
    const { task_id } = await world.submit({
      plan: {
        steps: [
          { id: step, capability },
          { id: 'after', capability: 'noop', depends_on: [step] },
        ],
      },
    });
    await world.until(task_id, 'it runs', stepIs(step, 'running'));
    return task_id;
  };
  const kind = await running('hold');
  const { status: answered } = await world.api<{ status: string }>('task.cancel', {
    task_id: kind,
    by: 'alice',
    reason: 'changed my mind',
  });
  assert.equal(answered, 'running', 'it is being cancelled');
  const stopped = await world.ended(kind);
  assert.deepEqual(
    [stopped.status, stopped.reason, stopped.steps['a']?.status, stopped.steps['a']?.attempts[0]?.outcome],
    ['cancelled', 'changed my mind', 'cancelled', 'cancelled'],
  );
  assert.equal(stopped.steps['after']?.status, 'cancelled');
  assert.equal(stopped.status_history.at(-1)?.by, 'alice');

  const gone = await running('deaf', 'gone');
  await world.api('task.cancel', { task_id: gone });
  const forced = await world.ended(gone);
  assert.deepEqual([forced.status, forced.steps['gone']?.attempts[0]?.outcome], ['cancelled', 'lost']);
  assert.ok(
    Date.parse(forced.finished_at ?? '') - Date.parse(forced.steps['gone']?.started_at ?? '') >= 300,
    'not before the grace',
  );

  const late = await running('deaf');
  await world.api('task.cancel', { task_id: late });
  assert.equal(
    (await world.ended(late)).status,
    'cancelled',
    'a success that comes while it is cancelled starts nothing more',
  );
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [kind, gone, late])).violations, []);
});

test('pausing lets run what runs and starts nothing more; resuming goes on', async () => {
  await using world = await startWorld({ agent: false });
  let finish: () => void = () => {};
  const told = new Promise<void>((resolve) => (finish = resolve));
  await world.agent({ work: { ...usualWork, gate: async () => (await told, { outcome: 'succeeded', output: {} }) } });
  const { task_id } = await world.submit({
    plan: {
      steps: [
        { id: 'a', capability: 'gate' },
        { id: 'b', capability: 'noop', depends_on: ['a'] },
      ],
    },
  });
  await world.until(task_id, 'a runs', stepIs('a', 'running'));
  await world.api('task.pause', { task_id, by: 'alice', reason: 'lunch' });
  finish();
  const paused = await world.until(task_id, 'it is paused', status('paused'));
  assert.deepEqual(
    [paused.steps['a']?.status, paused.steps['b']?.status, paused.steps['b']?.attempt],
    ['succeeded', 'ready', 0],
  );
  assert.match(paused.reason ?? '', /alice paused: lunch/);
  assert.equal((await world.api<{ status: string }>('task.resume', { task_id })).status, 'running');
  assert.equal((await world.ended(task_id)).status, 'succeeded');
});

test('skipping, retrying, and a person who starts each step', async () => {
  await using world = await startWorld();
  const failing = { id: 'a', capability: 'fail', input: { times: 1 }, retry: { max_attempts: 1 } };
  const after = { id: 'b', capability: 'echo', input: { done: true }, depends_on: ['a'] };

  const retried = await world.submit({ plan: { steps: [failing, after] } });
  assert.equal((await world.ended(retried.task_id)).status, 'failed');
  assert.equal(
    (await world.api<{ status: string }>('task.retry', { task_id: retried.task_id, by: 'alice' })).status,
    'running',
  );
  const ended = await world.until(retried.task_id, 'it succeeds', status('succeeded'));
  assert.deepEqual([ended.steps['a']?.attempt, ended.result], [2, { done: true }]);

  const skipped = await world.submit({ plan: { steps: [failing, after] } });
  await world.ended(skipped.task_id);
  await world.api('task.skip', { task_id: skipped.task_id, step_id: 'a', by: 'alice' });
  const went = await world.until(skipped.task_id, 'it succeeds', status('succeeded'));
  assert.deepEqual([went.steps['a']?.status, went.result], ['skipped', { done: true }]);

  const manual = await world.submit({ mode: 'manual', plan: { steps: [{ id: 'a', capability: 'noop' }, after] } });
  for (const step_id of ['a', 'b']) {
    const waiting = await world.until(
      manual.task_id,
      `${step_id} waits for a person`,
      (task) => stepIs(step_id, 'ready')(task) && task.status !== 'running',
    );
    assert.match(waiting.steps[step_id]?.waiting_for ?? '', /somebody to start it/);
    await world.api('task.execute', { task_id: manual.task_id, step_id });
  }
  assert.equal((await world.ended(manual.task_id)).status, 'succeeded');
  assert.equal(
    (await world.ask('task.skip', { task_id: manual.task_id, step_id: 'nowhere' })).error?.code,
    'not_found',
  );
  assert.equal(
    (await world.ask('task.cancel', { task_id: manual.task_id })).error?.code,
    'conflict',
    'what has ended can not be cancelled',
  );
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [retried.task_id, skipped.task_id, manual.task_id])).violations, []);
});

test('a blocked step goes on when an agent appears', async () => {
  await using world = await startWorld();
  const { task_id } = await world.submit({
    plan: { steps: [{ id: 'a', capability: 'paint', needs: { os: 'plan9' }, input: { x: 1 } }] },
  });
  await world.until(task_id, 'it is blocked', status('blocked'));
  await world.agent({ queue: 'elsewhere', instance: 'e1', tags: { os: 'linux' }, work: { paint: usualWork.echo } });
  await world.agent({ queue: 'painters', instance: 'p1', tags: { os: 'plan9' }, work: { paint: usualWork.echo } });
  const ended = await world.ended(task_id);
  assert.deepEqual(
    [ended.status, ended.steps['a']?.queue, ended.steps['a']?.agent],
    ['succeeded', 'painters', 'painters.p1'],
  );
});

test('every change is told, and the bucket holds what the door says', async () => {
  await using world = await startWorld();
  const id = newId();
  await world.submit({
    task_id: id,
    tenant: 'acme',
    plan: {
      steps: [
        { id: 'a', capability: 'fail', input: { times: 1 }, retry: { initial_delay_ms: 1 } },
        { id: 'b', capability: 'noop', depends_on: ['a'] },
      ],
    },
  });
  const ended = await world.ended(id);
  await world.notice('of the end', ({ subject }) => subject === world.names.notice('acme', id, 'succeeded'));
  const told = world.notices.map(({ subject }) => subject);
  for (const step of ['ready', 'running', 'retrying', 'succeeded']) {
    if (step === 'ready') continue;
    assert.ok(told.includes(world.names.stepNotice('acme', id, 'a', step)), `a is ${step}`);
  }
  assert.ok(told.includes(world.names.stepNotice('acme', id, 'b', 'succeeded')));
  const { body } = await world.notice(
    'of the end',
    ({ subject }) => subject === world.names.notice('acme', id, 'succeeded'),
  );
  assert.deepEqual([body['task_id'], body['status'], body['counts']], [id, 'succeeded', { succeeded: 2 }]);

  const stored = await world.stored(id, 'its last change', ({ seq }) => seq === ended.seq);
  assert.equal(taskRecord.safeParse(stored).error, undefined);
  assert.equal(taskRecord.safeParse(ended).error, undefined);
  const bare = {
    ...stored,
    engine: undefined,
    steps: Object.fromEntries(
      Object.entries(stored.steps).map(([name, step]) => [name, { ...step, engine: undefined }]),
    ),
  };
  assert.deepEqual(JSON.parse(JSON.stringify(bare)), ended);
});

test('a command that would change nothing is refused with the reason, and a misspelt field is pointed out', async () => {
  await using world = await startWorld();
  const { task_id, warnings } = await world.submit({
    titel: 'with a typo',
    title: 'x',
    plan: { steps: [{ id: 'a', capability: 'noop', dependsOn: [], somethingOfOurs: 1 } as never] },
  } as never);
  assert.deepEqual(warnings, [
    'titel is not a field that is known here; was "title" meant?',
    'plan.steps[0].dependsOn is not a field that is known here; was "depends_on" meant?',
  ]);
  await world.ended(task_id);
  for (const [door, words] of [
    ['task.skip', /"a" has ended/],
    ['task.retry', /No step failed/],
    ['task.cancel', /has ended/],
  ] as const) {
    const refused = await world.ask(door, { task_id, ...(door === 'task.skip' ? { step_id: 'a' } : {}) });
    assert.equal(refused.error?.code, 'conflict', door);
    assert.match(refused.error?.message ?? '', words);
  }
});
