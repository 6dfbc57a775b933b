// The examples of docs/plans.md, each submitted to a real server, and what the page says of them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TaskRecord } from '@capstan/contracts';
import { audit } from '../integration/support/audit.ts';
import { usualWork, type Work } from '../integration/support/agent.ts';
import { newId, startWorld, type World } from '../integration/support/world.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/plans.md'), 'utf8');
const examples = new Map(
  [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, text]) => {
    const task = JSON.parse(text as string) as { title: string };
    return [task.title, task] as const;
  }),
);
const submit = async (world: World, title: string, more: object = {}): Promise<string> => {
  const example = examples.get(title);
  assert.ok(example !== undefined, `the page has no example "${title}"`);
  return (await world.submit({ ...example, ...more, task_id: newId(title.toLowerCase().replace(/\W/g, '')) })).task_id;
};
const statuses = ({ steps }: TaskRecord) => Object.fromEntries(Object.entries(steps).map(([id, s]) => [id, s.status]));
const held = ({ steps }: TaskRecord, id: string) => steps[id]?.intervention ?? '';
/** Works for as long as it is let. */
const wait: Work = usualWork.hold;
const start = () => startWorld({ agent: false, config: 'settings: { approval: { four_eyes: true } }\n' });
const sound = async (world: World, ...ids: string[]) => {
  await world.quiet();
  assert.deepEqual((await audit(world.bus, ids)).violations, []);
};

test('data flows, a condition skips, and a family is as long as its list', async () => {
  await using world = await start();
  await world.agent({ work: usualWork });
  const [data, family] = [await submit(world, 'Data'), await submit(world, 'Family')];
  const told = await world.ended(data);
  assert.deepEqual(told.steps['tell']?.output, { text: 'built 1.4.0 for staging' });
  assert.equal(told.steps['announce']?.status, 'skipped');
  const { steps } = await world.ended(family);
  assert.deepEqual(
    ['check-0', 'check-1', 'check-2'].map((id) => steps[id]?.output),
    [{ file: 'a.ts' }, { file: 'b.ts' }, { file: 'c.ts' }],
  );
  assert.equal(steps['join']?.status, 'succeeded');
  await sound(world, data, family);
});

test('retries, with what the last attempt said, and no sooner than an agent asks for', async () => {
  await using world = await start();
  const busy: Work = ({ attempt }) =>
    attempt === 1
      ? { outcome: 'failed', error: { code: 'busy', message: 'Later.', retry_after_ms: 1_500 } }
      : { outcome: 'succeeded', output: {} };
  const agent = await world.agent({ work: { ...usualWork, busy } });
  const id = await submit(world, 'Retries');
  const { steps } = await world.ended(id);
  assert.deepEqual([steps['fetch']?.status, steps['fetch']?.attempt], ['succeeded', 3]);
  assert.deepEqual(
    agent.orders.map((order) => order.last_failure?.code ?? null),
    [null, 'busy', 'busy'],
  );
  const hinted = await world.submit({
    plan: { steps: [{ id: 'a', capability: 'busy', retry: { initial_delay_ms: 1 } }] },
  });
  const { attempts = [] } = (await world.ended(hinted.task_id)).steps['a'] ?? {};
  const [first, second] = attempts;
  assert.ok(Date.parse(second?.started_at ?? '') - Date.parse(first?.finished_at ?? '') >= 1_500);
  const final = await world.submit({
    plan: { steps: [{ id: 'a', capability: 'fail', input: { code: 'bad' }, retry: { non_retryable: ['bad'] } }] },
  });
  const flagged = await world.until(final.task_id, 'a person is asked', ({ status }) => status === 'awaiting_input');
  assert.equal(flagged.steps['a']?.attempt, 1);
  await world.api('inbox.reject', { id: held(flagged, 'a'), by: 'bob' });
  await world.ended(final.task_id);
  await sound(world, id, hinted.task_id, final.task_id);
});

test('an attempt that takes too long, a service level, a deadline, tokens: each has its end', async () => {
  await using world = await start();
  const costly: Work = () => ({ outcome: 'succeeded', output: {}, usage: { tokens_in: 9, tokens_out: 1 } });
  await world.agent({ work: { ...usualWork, wait, costly } });
  const id = await submit(world, 'Limits');
  const { steps } = await world.ended(id, 30_000);
  assert.deepEqual(
    [steps['slow']?.status, steps['slow']?.attempt, steps['slow']?.error?.code],
    ['failed', 2, 'timeout'],
  );

  // The service level is over with the first attempt, and so is the last try: a person judges that.
  const slow = { id: 'a', capability: 'wait', sla_ms: 300, retry: { max_attempts: 1 } };
  const late = await world.submit({ plan: { steps: [slow] } });
  const flagged = await world.until(late.task_id, 'a person is asked', ({ status }) => status === 'awaiting_input');
  await world.api('inbox.reject', { id: held(flagged, 'a'), by: 'bob' });
  assert.equal((await world.ended(late.task_id)).status, 'failed');

  const soon = new Date(Date.now() + 800).toISOString();
  const over = await world.submit({ deadline: soon, plan: { steps: [{ id: 'a', capability: 'wait' }] } });
  assert.match((await world.ended(over.task_id)).reason ?? '', /the deadline .* passed/);

  const chain = [
    { id: 'a', capability: 'costly' },
    { id: 'b', capability: 'costly', depends_on: ['a'] },
  ];
  const spent = await world.submit({ budget: { tokens: 10 }, plan: { steps: chain } });
  assert.equal((await world.ended(spent.task_id)).steps['b']?.error?.code, 'denied_by_budget');
  const all = [id, late.task_id, over.task_id, spent.task_id];
  const { error } = await world.ask('task.submit', { budget: { steps: 1 }, plan: { steps: chain } });
  assert.equal(error?.code, 'too_large');
  await sound(world, ...all);
});

test('a phase goes back to an earlier one, and no more often than it may', async () => {
  await using world = await start();
  await world.agent({ work: usualWork });
  const id = await submit(world, 'Phases');
  const { steps, status } = await world.ended(id);
  assert.deepEqual([status, steps['change']?.output, steps['change']?.attempt], ['succeeded', { round: 1 }, 2]);
  const { plan } = examples.get('Phases') as unknown as { plan: { steps: { id: string; input: object }[] } };
  const never = plan.steps.map((step) => (step.id === 'probe' ? { ...step, input: { times: 99 } } : step));
  const endless = await submit(world, 'Phases', { plan: { ...plan, steps: never } });
  const failed = await world.ended(endless);
  assert.deepEqual([failed.status, failed.steps['change']?.attempt], ['failed', 3]);
  assert.match(failed.reason ?? '', /after 2 loops back/);
  await sound(world, id, endless);
});

test('a step adds steps, once they are such as a plan may have', async () => {
  await using world = await start();
  const grow: Work = ({ attempt }) => ({
    outcome: 'succeeded',
    output: {},
    add_steps: [
      { id: 'more', capability: 'echo', input: { by: 'grow' }, depends_on: [attempt === 1 ? 'nowhere' : 'grow'] },
    ],
  });
  const agent = await world.agent({ work: { ...usualWork, grow } });
  const { task_id } = await world.submit({
    plan: { steps: [{ id: 'grow', capability: 'grow', retry: { initial_delay_ms: 1 } }] },
  });
  const { steps, status } = await world.ended(task_id);
  assert.deepEqual([status, steps['grow']?.attempt, steps['more']?.output], ['succeeded', 2, { by: 'grow' }]);
  assert.equal(agent.orders.find(({ attempt }) => attempt === 2)?.last_failure?.code, 'invalid_steps');
  await sound(world, task_id);
});

test('people: asked, answered, and approved by somebody else of the right role', async () => {
  await using world = await start();
  await world.agent({ work: usualWork });
  const id = await submit(world, 'People');
  const asks = await world.until(id, 'it asks', ({ status }) => status === 'awaiting_input');
  await world.api('inbox.answer', { id: held(asks, 'which'), by: 'bob', value: 'main' });
  const risky = await world.until(id, 'it waits for approval', ({ status }) => status === 'awaiting_approval');
  const approve = (by: string, role?: string) => world.ask('inbox.approve', { id: held(risky, 'ship'), by, role });
  assert.equal((await approve('bob')).error?.code, 'forbidden', 'no role');
  assert.equal((await approve('alice', 'tech_lead')).error?.code, 'forbidden', 'who asked for it');
  assert.equal((await approve('bob', 'tech_lead')).error, null);
  assert.deepEqual((await world.ended(id)).steps['ship']?.output, { branch: 'main' });
  await sound(world, id);
});

test('what was done is undone in the opposite order, also when the coordinator is killed in the middle of that', async () => {
  await using world = await start();
  let begun: () => void = () => {};
  let go: () => void = () => {};
  const [undoing, mayGo] = [
    new Promise<void>((resolve) => (begun = resolve)),
    new Promise<void>((resolve) => (go = resolve)),
  ];
  const undone: unknown[] = [];
  const echo: Work = async ({ input }) => {
    begun();
    await mayGo;
    undone.push(input['undone']);
    return { outcome: 'succeeded', output: input };
  };
  await world.agent({ work: { ...usualWork, echo } });
  const id = await submit(world, 'Undo');
  await undoing;
  await world.coordinators[0]?.kill();
  go();
  await world.coordinator({ instance: 'c2' });
  const ended = await world.ended(id, 30_000);
  assert.deepEqual([ended.status, undone], ['failed', ['charge', 'reserve']]);
  assert.deepEqual([statuses(ended)['_undo-charge'], statuses(ended)['_undo-reserve']], ['succeeded', 'succeeded']);
  await sound(world, id);
});

test('what a failure does to the rest: stop, go on, pause until somebody says', async () => {
  await using world = await start();
  await world.agent({ work: usualWork });
  const steps = [
    { id: 'bad', capability: 'fail', input: { times: 1 }, retry: { max_attempts: 1 } },
    { id: 'after', capability: 'noop', depends_on: ['bad'] },
  ];
  const on = async (on_failure: 'stop' | 'continue' | 'pause') =>
    (await world.submit({ on_failure, plan: { steps } })).task_id;
  const [stop, goOn, pause] = [await on('stop'), await on('continue'), await on('pause')];
  assert.equal((await world.ended(stop)).status, 'failed');
  assert.deepEqual(statuses(await world.ended(goOn)), { bad: 'failed', after: 'skipped' });
  const paused = await world.until(pause, 'it pauses', ({ status }) => status === 'paused');
  assert.match(paused.reason ?? '', /paused because step "bad" failed/);
  await world.api('task.retry', { task_id: pause, step_id: 'bad', by: 'alice' });
  assert.equal((await world.ended(pause)).status, 'succeeded');
  await sound(world, stop, goOn, pause);
});

test('by hand: planned and not begun, then paused before a checkpoint', async () => {
  await using world = await start();
  await world.agent({ work: usualWork });
  const id = await submit(world, 'By hand');
  await world.until(id, 'it is planned', ({ status }) => status === 'planned');
  await world.api('task.execute', { task_id: id, by: 'alice' });
  const paused = await world.until(id, 'it pauses', ({ status }) => status === 'paused');
  assert.match(paused.steps['merge']?.waiting_for ?? '', /which pauses before "merge"/);
  await world.api('task.resume', { task_id: id, by: 'alice' });
  assert.equal((await world.ended(id)).status, 'succeeded');
  await sound(world, id);
});

test('the page is complete: every example is used', () => {
  assert.deepEqual([...examples.keys()].toSorted(), [
    'By hand',
    'Data',
    'Family',
    'Limits',
    'People',
    'Phases',
    'Retries',
    'Undo',
  ]);
});
