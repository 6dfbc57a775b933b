// Who may say what: reports that are late, stale, doubled or forged change nothing, and names that a stranger took first hide nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf } from '@capstan/bus';
import { dlqHeaders, type Intervention, limits, type Order, type Report } from '@capstan/contracts';
import type { Answer } from './support/agent.ts';
import { audit } from './support/audit.ts';
import { newId, startWorld, type World } from './support/world.ts';

/** An agent that hands its orders to the test, which then says what becomes of each. */
const puppet = async (world: World) => {
  const answers = new Map<string, (answer: Answer) => void>();
  const agent = await world.agent({
    queue: 'puppets',
    instance: 'p1',
    work: {
      pull: ({ step_id, attempt }) => new Promise((resolve) => void answers.set(`${step_id}.${attempt}`, resolve)),
    },
  });
  const order = async (task: string, step: string, attempt = 1): Promise<Order> => {
    await world.until(
      task,
      `attempt ${attempt} of ${step} runs`,
      ({ steps }) => steps[step]?.status === 'running' && steps[step].attempt === attempt,
    );
    const found = agent.orders.find((one) => one.task_id === task && one.step_id === step && one.attempt === attempt);
    if (found !== undefined) return found;
    const stored = await world.bus
      .log(world.names.streams.orders)
      .last(world.names.order('puppets', task, step, attempt));
    return JSON.parse(Buffer.from(stored?.data ?? []).toString()) as Order;
  };
  return { agent, answers, order };
};

const reportOn = (order: Order, more: Partial<Report> = {}): string => {
  const { task_id, step_id, attempt, lease } = order;
  return JSON.stringify({
    v: 1,
    task_id,
    step_id,
    attempt,
    lease,
    agent: 'mallory',
    outcome: 'succeeded',
    output: { forged: true },
    ...more,
  });
};

test('a forged event changes nothing, whoever it claims to be from', async () => {
  await using world = await startWorld();
  const { order } = await puppet(world);
  const { bus, names } = world;
  const plan = {
    steps: [
      { id: 'a', capability: 'pull' },
      { id: 'b', capability: 'pull' },
      { id: 'c', capability: 'noop', risk: 'high' as const },
    ],
  };
  const { task_id } = await world.submit({ task_id: newId(), plan });
  const other = await world.submit({ plan });
  const [a, b, elsewhere] = [await order(task_id, 'a'), await order(task_id, 'b'), await order(other.task_id, 'a')];
  const before = await world.until(task_id, 'it asks', ({ interventions }) => interventions.length === 1);
  const [asked = ''] = before.interventions;

  const bare = (of: Order) => of.report_to.slice(0, -of.lease.length - 1);
  const at = (...name: (string | number)[]) => names.event(partitionOf(task_id), task_id, ...name);
  const wrong = 'A'.repeat(22);
  const forgeries: [string, string][] = [
    [`${bare(a)}.${wrong}`, reportOn(a)],
    [`${bare(a)}.x`, reportOn(a)],
    [`${bare(a)}.${b.lease}`, reportOn(a)],
    [`${bare(a)}.${elsewhere.lease}`, reportOn(a)],
    [`${bare({ ...a, report_to: a.report_to.replace('.a.1.', '.a.2.') })}.${a.lease}`, reportOn(a, { attempt: 2 })],
    [a.report_to.replace(`.${task_id}.`, `.${newId('nobody')}.`), reportOn(a)],
    [
      a.report_to.replace(`event.${partitionOf(task_id)}.`, `event.${(partitionOf(task_id) + 1) % limits.partitions}.`),
      reportOn(a),
    ],
    [`${at('commanded', 'x')}.${wrong}`, JSON.stringify({ v: 1, command: 'cancel', by: 'mallory' })],
    [`${at('commanded', 'y')}.${a.lease}`, JSON.stringify({ v: 1, command: 'cancel', by: 'mallory' })],
    [`${at('decided', asked)}.${wrong}`, JSON.stringify({ v: 1, decision: 'approve', by: 'mallory' })],
    [`${at('decided', asked)}.${a.lease}`, 'not even JSON'],
    [`${at('woke', 1)}.${wrong}`, JSON.stringify({ v: 1, step: null })],
    [`${at('redriven', 'z')}.${wrong}`, JSON.stringify({ v: 1, step_id: 'a', by: 'mallory' })],
    [
      `${at('submitted')}.${wrong}`,
      JSON.stringify({
        v: 1,
        key: 'k1',
        rules: 1,
        hash: 'x',
        request: { task_id, title: 'mine' },
        settings: 'x',
        routes: {},
      }),
    ],
    [`${at('submitted')}.${a.lease}`, 'not even JSON'],
    [`${at('report')}.${wrong}`, ''],
    [`${at('unheard-of', 'x')}.${wrong}`, '{}'],
  ];
  for (const [subject, data] of forgeries)
    assert.equal((await bus.once({ subject, data })).again, false, 'the log takes it');

  await world.api('task.pause', { task_id, by: 'alice' });
  const after = await world.task(task_id);
  const unchanged = ({ steps }: typeof after) =>
    Object.entries(steps).map(([id, { status: is, attempt, output, agent }]) => [id, is, attempt, output, agent]);
  assert.deepEqual(unchanged(after), unchanged(before), 'the pause behind them is all that happened');
  assert.equal(after.title, before.title);
  assert.equal(
    after.status_history.some(({ by }) => by === 'mallory'),
    false,
  );
  await world.api('task.resume', { task_id });

  // What stands beside a genuine event hides it from nobody, not even from a coordinator that begins anew.
  assert.equal((await world.submit({ task_id, plan })).created, false);
  const listed = await world.api<{ events: { kind: string }[] }>('task.events', { task_id });
  assert.ok(listed.events.filter(({ kind }) => kind === 'submitted').length >= 3, 'the log is shown as it is');
  await world.quiet();
  await world.coordinator();
  assert.equal((await world.api<Intervention>('inbox.get', { id: asked })).status, 'pending');
  await world.api('inbox.approve', { id: asked, by: 'alice' });
  for (const one of [a, b, elsewhere, await order(other.task_id, 'b')])
    await bus.once({ subject: one.report_to, data: reportOn(one, { agent: 'honest', output: {} }) });
  await world.api('task.skip', { task_id: other.task_id, step_id: 'c' });
  assert.deepEqual(
    [(await world.ended(task_id)).status, (await world.ended(other.task_id)).status],
    ['succeeded', 'succeeded'],
  );
  await world.quiet();
  const { violations, replay } = await audit(bus, [task_id, other.task_id]);
  assert.deepEqual(violations, []);
  assert.equal(replay.forged.length + replay.orphaned.length, forgeries.length);
});

test('a report that is late, stale, doubled, or about something else changes nothing', async () => {
  await using world = await startWorld({ config: 'settings: { cancel_grace_ms: 100 }' });
  const { order } = await puppet(world);
  const { bus } = world;
  const { task_id } = await world.submit({
    plan: {
      steps: [
        { id: 'a', capability: 'pull', retry: { initial_delay_ms: 1 } },
        { id: 'b', capability: 'pull' },
      ],
    },
  });

  const first = await order(task_id, 'a');
  const failed = reportOn(first, { outcome: 'failed', error: { code: 'flaky', message: 'no' } });
  assert.equal((await bus.once({ subject: first.report_to, data: failed })).again, false);
  assert.equal((await bus.once({ subject: first.report_to, data: failed })).again, true, 'doubled');
  assert.equal((await bus.once({ subject: first.report_to, data: reportOn(first) })).again, true, 'and otherwise');
  const second = await order(task_id, 'a', 2);
  assert.notEqual(first.lease, second.lease);

  const b = await order(task_id, 'b');
  await world.api('task.skip', { task_id, step_id: 'b', by: 'alice' });
  await bus.once({ subject: b.report_to, data: reportOn(b) });
  await bus.once({ subject: second.report_to, data: reportOn(second, { agent: 'honest', output: { right: true } }) });
  const ended = await world.ended(task_id);
  assert.deepEqual(
    [ended.steps['b']?.status, ended.steps['b']?.output],
    ['skipped', null],
    'stale: the step was skipped meanwhile',
  );
  assert.deepEqual([ended.steps['a']?.attempts[0]?.outcome, ended.steps['a']?.output], ['failed', { right: true }]);

  const gone = await world.submit({ plan: { steps: [{ id: 'a', capability: 'pull' }] } });
  const late = await order(gone.task_id, 'a');
  await world.api('task.cancel', { task_id: gone.task_id });
  await world.ended(gone.task_id);
  const { seq } = await bus.once({ subject: late.report_to, data: reportOn(late) });
  const still = await world.until(gone.task_id, 'the late report is heard', (task) => task.seq >= seq);
  assert.deepEqual([still.status, still.steps['a']?.output], ['cancelled', null]);
  assert.ok((await world.stored(gone.task_id, 'that it was', (task) => task.seq >= seq)).seq >= seq);

  const mixed = await world.submit({ plan: { steps: [{ id: 'a', capability: 'pull' }] } });
  const about = await order(mixed.task_id, 'a');
  const said = await bus.once({ subject: about.report_to, data: reportOn(about, { step_id: 'b' }) });
  const running = await world.until(mixed.task_id, 'it is heard', (task) => task.seq >= said.seq);
  assert.equal(running.steps['a']?.status, 'running', 'a body that speaks of another step is not about this one');
  await world.api('task.cancel', { task_id: mixed.task_id });
  await world.ended(mixed.task_id);
  await world.quiet();
  const { violations, replay } = await audit(bus, [task_id, gone.task_id, mixed.task_id]);
  assert.deepEqual(violations, []);
  assert.equal(
    [...replay.tasks.values()].flatMap(({ ignored }) => ignored.filter(({ kind }) => kind === 'report')).length,
    3,
  );
});

test('a report that says nothing is a dead letter, and its attempt is lost when its time is over', async () => {
  await using world = await startWorld();
  const { order } = await puppet(world);
  const plan = { steps: [{ id: 'a', capability: 'pull', timeout_ms: 50, retry: { initial_delay_ms: 1 } }] };
  const bad = ['not JSON', '{"outcome":"succeeded"}', `{"filler":"${'x'.repeat(600_000)}"}`];
  const tasks = await Promise.all(
    bad.map(async (data) => {
      const { task_id } = await world.submit({ plan });
      const first = await order(task_id, 'a');
      const { seq } = await world.bus.once({ subject: first.report_to, data });
      const letter = await world.letter(`of event ${seq}`, (one) => one.header(dlqHeaders.seq) === String(seq));
      assert.deepEqual(
        [letter.header(dlqHeaders.reason), letter.header(dlqHeaders.task), letter.header(dlqHeaders.stream)],
        ['invalid', task_id, world.names.streams.events],
      );
      assert.ok(Buffer.from(letter.data).equals(Buffer.from(data)), 'with its bytes');
      const second = await order(task_id, 'a', 2);
      assert.deepEqual(second.last_failure?.code, 'timeout');
      await world.bus.once({ subject: second.report_to, data: reportOn(second) });
      assert.equal((await world.ended(task_id)).status, 'succeeded');
      return task_id;
    }),
  );
  await world.quiet();
  assert.deepEqual((await audit(world.bus, tasks)).violations, []);
});

test('an order under a name that somebody took first costs an attempt, not the task', async () => {
  await using world = await startWorld();
  const { bus, names } = world;
  const id = newId();
  const squat = {
    v: 1,
    task_id: id,
    step_id: 'a',
    attempt: 1,
    capability: 'echo',
    input: { squatted: true },
    lease: 'x',
    report_to: `${names.event(partitionOf(id), id, 'report', 'worker', 'a', 1)}.${'A'.repeat(22)}`,
  };
  await bus.once({ subject: names.order('worker', id, 'a', 1), data: JSON.stringify(squat) });
  await world.submit({
    task_id: id,
    plan: {
      steps: [{ id: 'a', capability: 'echo', input: { mine: true }, timeout_ms: 50, retry: { initial_delay_ms: 1 } }],
    },
  });
  const ended = await world.ended(id);
  assert.deepEqual(
    [ended.status, ended.result, ended.steps['a']?.attempts.map(({ outcome }) => outcome)],
    ['succeeded', { mine: true }, ['lost', 'succeeded']],
  );
});

test('what a stranger put into the buckets is left out of lists, and stops nobody', async () => {
  await using world = await startWorld();
  const { bus, names } = world;
  const { task_id } = await world.submit({ plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  // Lists show what is stored, which is a moment behind.
  await world.stored(task_id, 'it ended', ({ status }) => status === 'succeeded');
  for (const bucket of [names.buckets.tasks, names.buckets.inbox, names.buckets.agents]) {
    for (const [key, data] of [
      ['garbage', 'not JSON'],
      ['null', 'null'],
      ['number', '7'],
      ['a.b', '{'],
      ['object', '{}'],
    ] as const)
      await bus.store(bucket).set({ key, data, expect: null });
  }
  const listed = await world.api<{ tasks: { task_id: string }[] }>('task.list', {});
  assert.deepEqual(
    listed.tasks.map((task) => task.task_id),
    [task_id],
  );
  assert.deepEqual((await world.api<{ interventions: unknown[] }>('inbox.list', { status: 'all' })).interventions, []);
  assert.equal((await world.api<{ agents: unknown[] }>('agent.list', {})).agents.length, 1);
  assert.equal((await world.ask('inbox.get', { id: 'garbage' })).error?.code, 'not_found');
  assert.equal((await world.ask('task.get', { task_id: 'garbage' })).error?.code, 'not_found');
  const again = await world.submit({ plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  assert.equal((await world.ended(again.task_id)).status, 'succeeded');
});

test('an event of a stored task that somebody puts into another partition makes no second copy of it', async () => {
  await using world = await startWorld();
  const { bus, names } = world;
  const { task_id } = await world.submit({
    plan: {
      steps: [
        { id: 'ask', capability: 'approval', title: 'May it?' },
        { id: 'a', capability: 'noop', depends_on: ['ask'] },
      ],
    },
  });
  const { interventions } = await world.until(task_id, 'it asks', ({ status }) => status === 'awaiting_approval');
  await world.checkpointed([task_id]);
  const elsewhere = (partitionOf(task_id) + 1) % limits.partitions;
  const subject = `${names.event(elsewhere, task_id, 'woke', 1)}.${'A'.repeat(22)}`;
  assert.equal((await bus.once({ subject, data: '{"v":1,"step":null}' })).again, false, 'the log takes it');
  await world.coordinators[0]?.logged(
    'that it was dropped',
    ({ msg, task }) => task === task_id && /was dropped/.test(msg),
  );

  await world.api('inbox.approve', { id: interventions[0], by: 'alice' });
  assert.equal((await world.ended(task_id)).status, 'succeeded');
  await world.emptied();
  await world.checkpointed([task_id]);
  await world.quiet();
  assert.deepEqual((await audit(bus, [task_id])).violations, []);
});
