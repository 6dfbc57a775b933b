// The example agent in Python, against a real server: what it owes by the contract, and a task that it works on for Capstan.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Bus, decodeTrusted, textOf } from '@capstan/bus';
import {
  type AgentRecord,
  agentRecord,
  type Order,
  type Progress,
  progress as progressSchema,
  type Report,
  report as reportSchema,
} from '@capstan/contracts';
import { type AgentWorld, newAgentWorld } from '@capstan/kit/testing';
import { pythonEnvironment } from './python-environment.ts';
import { within } from './support/deadline.ts';
import { startWorld } from './support/world.ts';

const agent = join(import.meta.dirname, '../../examples/python-agent/agent.py');
const queue = 'python-demo';
const patienceMs = 30_000;

const environment = pythonEnvironment();
const skip = 'missing' in environment && `SKIPPED, the Python agent is untested here: ${environment.missing}`;
if (skip) process.stderr.write(`\n*** ${skip} ***\n\n`);

test('it announces itself as the contract says', { skip }, async (t) => {
  await using world = await newAgentWorld();
  startPython(t, world.server.url);
  const { instance, started_at, ...rest } = await announced(world.bus);
  assert.deepEqual(rest, {
    v: 1,
    queue,
    capabilities: ['word-count', 'greet'],
    concurrency: 4,
    busy: 0,
    version: '1.0.0',
    health: 'ok',
  });
  assert.ok(instance === 'p1' && Date.parse(started_at ?? '') > Date.now() - 60_000);
});

test('it reports, and acknowledges only then', { skip }, async (t) => {
  await using world = await newAgentWorld();
  const acknowledged = acknowledgement(world, '');
  startPython(t, world.server.url);
  const order = await world.order({ queue, capability: 'word-count', input: { text: 'to be or\nnot to be' } });
  await acknowledged;
  const stored = await world.bus.log(world.bus.names.streams.events).last(order.report_to);
  assert.ok(stored, 'the report is stored by the time that the acknowledgement is seen');
  const report = reportSchema.parse(decodeTrusted(stored.data));
  assert.deepEqual(
    [report.outcome, report.agent, report.lease, report.output],
    ['succeeded', 'python-demo.p1', order.lease, { words: 6, counts: { to: 2, be: 2, or: 1, not: 1 } }],
  );
});

test('an attempt that was reported before is acknowledged, and the first report stays', { skip }, async (t) => {
  await using world = await newAgentWorld();
  const acknowledged = acknowledgement(world, '');
  const { names } = world.bus;
  const report_to = `${names.event(0, 't1', 'report', queue, 's', 1)}.token`;
  await world.bus.once({ subject: report_to, data: '{"first":true}' });
  startPython(t, world.server.url);
  await world.order({ queue, capability: 'word-count', input: { text: 'a' }, task_id: 't1', report_to });
  await acknowledged;
  const stored = await world.bus.log(names.streams.events).last(report_to);
  assert.equal(stored && textOf(stored.data), '{"first":true}');
});

test('it says that it is at work, stops when told to, and goes on with the next order', { skip }, async (t) => {
  await using world = await newAgentWorld();
  const working = acknowledgement(world, '+WPI');
  startPython(t, world.server.url);
  const long = { text: 'a\n'.repeat(600), pause_ms: 1_000 };
  const order = await world.order({ queue, capability: 'word-count', input: long, heartbeat_ms: 1_000 });
  await working;
  const { bus } = world;
  const cancel = { attempt: 1, reason: 'asked to', force_at: new Date(Date.now() + 10_000).toISOString() };
  bus.tell(bus.names.cancel(order.task_id, order.step_id), JSON.stringify({ ...cancel, attempt: 2 }));
  bus.tell(bus.names.cancel(order.task_id, order.step_id), JSON.stringify(cancel));
  assert.equal((await reported(world, order)).outcome, 'cancelled');
  const next = await world.order({ queue, capability: 'word-count', input: { text: 7 } });
  assert.deepEqual((await reported(world, next)).error, {
    code: 'invalid_input',
    message: 'input.text must be a text',
    retryable: false,
  });
});

test('told to end, it first reports what it works on', { skip }, async (t) => {
  await using world = await newAgentWorld();
  const working = acknowledgement(world, '+WPI');
  const child = startPython(t, world.server.url);
  const input = { text: 'a\nb', pause_ms: 750 };
  const order = await world.order({ queue, capability: 'word-count', input, heartbeat_ms: 1_000 });
  await working;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.equal((await reported(world, order)).outcome, 'succeeded');
  assert.deepEqual(await within(patienceMs, 'its end', exited), [0, null]);
});

test('Capstan finds it, gives it work, and passes on its question and the answer', { skip }, async (t) => {
  await using world = await startWorld({ agent: false });
  startPython(t, world.server.url);
  const count = { id: 'count', capability: 'word-count', input: { text: 'to be or not to be' } };
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of Capstan's, not of JavaScript's
  const again = { ...count, id: 'again', input: { text: 'x ${{ steps.count.output.words }}' }, depends_on: ['count'] };
  const hello = { id: 'hello', capability: 'greet', depends_on: ['count'] };
  await world.plain({ task_id: 'words-1', plan: { steps: [count, again, hello] } });

  const asks = await world.until(
    'words-1',
    'it asks',
    ({ steps }) => steps['hello']?.status === 'awaiting_input',
    patienceMs,
  );
  assert.match(asks.steps['hello']?.waiting_for ?? '', /\w/, 'it says in words what it waits for');
  await world.api('inbox.answer', { id: asks.interventions[0], by: 'alice', value: 'Ann' });

  const { status, steps } = await world.ended('words-1', patienceMs);
  assert.equal(status, 'succeeded');
  assert.deepEqual(Object.fromEntries(Object.entries(steps).map(([id, { output }]) => [id, output])), {
    count: { words: 6, counts: { to: 2, be: 2, or: 1, not: 1 } },
    again: { words: 2, counts: { x: 1, 6: 1 } },
    hello: { greeting: 'Hello, Ann!', asked_by: 'python-demo.p1' },
  });
  const outcomes = steps['hello']?.attempts.map(({ n, agent, outcome }) => [n, agent, outcome]);
  assert.deepEqual(outcomes, [
    [1, 'python-demo.p1', 'question'],
    [2, 'python-demo.p1', 'succeeded'],
  ]);
});

test('Capstan cancels what it works on, and hears from it that it stopped', { skip }, async (t) => {
  await using world = await startWorld({ agent: false });
  startPython(t, world.server.url);
  const input = { text: 'a\n'.repeat(600), pause_ms: 1_000 };
  const atWork = progress(world.bus, 'words-2', 'count');
  await world.plain({ task_id: 'words-2', plan: { steps: [{ id: 'count', capability: 'word-count', input }] } });
  assert.deepEqual([(await atWork).kind, (await atWork).agent], ['started', 'python-demo.p1']);
  await world.api('task.cancel', { task_id: 'words-2', by: 'alice', reason: 'no longer needed' });
  const { status, steps } = await world.ended('words-2', patienceMs);
  assert.deepEqual(
    [status, steps['count']?.status, steps['count']?.attempts[0]?.outcome],
    ['cancelled', 'cancelled', 'cancelled'],
  );
});

/** The agent as a process of the test's own; what it said is shown when the test fails. */
const startPython = (t: TestContext, url: string): ChildProcess => {
  if ('missing' in environment) throw new Error(environment.missing);
  const env = { ...process.env, CAPSTAN_NATS_URL: url, CAPSTAN_INSTANCE: 'p1' };
  const child = spawn(environment.python, [agent], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
    // The types of Node.js don't know `passed` yet.
    if (!(t as TestContext & { passed: boolean }).passed) t.diagnostic(`The agent said:\n${said}`);
  });
  return child;
};

/** The first acknowledgement of a kind that the agent sends from now on; an empty one means done, as `+ACK` does. */
const acknowledgement = ({ bus }: AgentWorld, kind: '' | '+WPI'): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  bus.listen('$JS.ACK.>', ({ data }) => textOf(data) === kind && resolve());
  return within(patienceMs, `no acknowledgement "${kind}"`, promise);
};

const reported = (world: AgentWorld, order: Order): Promise<Report> =>
  within(patienceMs, 'no report', world.report(order));

/** The first thing that an agent says about a step while it works. */
const progress = (bus: Bus, task: string, step: string): Promise<Progress> => {
  const { promise, resolve } = Promise.withResolvers<Progress>();
  bus.listen(bus.names.progress(task, step), ({ data }) => resolve(progressSchema.parse(decodeTrusted(data))));
  return within(patienceMs, 'no progress', promise);
};

const announced = async (bus: Bus): Promise<AgentRecord> => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const watching = await bus
    .store(bus.names.buckets.agents)
    .watch(({ key, data }) => key === 'python-demo.p1' && resolve(data));
  const data = await within(patienceMs, 'it never announced itself', promise);
  await watching.stop();
  return agentRecord.parse(decodeTrusted(data));
};
