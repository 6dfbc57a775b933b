// The ways into the dead letters that dead-letters.test.ts, bad-input.test.ts and circuits.test.ts do not walk; and what happens where the dead
// letters themselves take nothing: the original is not let go before its letter is stored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, decodeTrusted, type Message, prepare, textOf } from '@capstan/bus';
import { dlqHeaders, type Order } from '@capstan/contracts';
import { usualWork } from './support/agent.ts';
import { audit } from './support/audit.ts';
import { startCoordinator } from './support/coordinator.ts';
import { newId, startWorld, type World } from './support/world.ts';

const once = { retry: { max_attempts: 1 } };
const reasonOf = (letter: Message) => letter.header(dlqHeaders.reason);
const letterOf = (world: World, task: string, ms?: number) =>
  world.letter(`of ${task}`, (one) => one.header(dlqHeaders.task) === task, ms);

const mustBeOrder = async (world: World, letter: Message): Promise<void> => {
  const order = await world.bus.log(world.names.streams.orders).last(letter.header(dlqHeaders.subject) ?? '');
  assert.ok(order !== null && Buffer.from(order.data).equals(letter.data), 'the body is the order, byte for byte');
};

test('an order that is handed out again and again without a report is max_deliveries', async () => {
  await using world = await startWorld({ ackWaitMs: 1_000 });
  const bus = await connect({ url: world.server.url, ackWaitMs: 500, maxDeliver: 2, warn: () => {} });
  await bus.openQueue('sleepers');
  const record = JSON.stringify({ v: 1, queue: 'sleepers', instance: 's1', capabilities: ['doze'], concurrency: 9 });
  await bus.store(world.names.buckets.agents).set({ key: 'sleepers.s1', data: record, expect: null });
  await bus.takeOrders('sleepers', 9, () => {});
  const { task_id } = await world.submit({ plan: { steps: [{ id: 'a', capability: 'doze', ...once }] } });
  const letter = await letterOf(world, task_id);
  assert.equal(reasonOf(letter), 'max_deliveries');
  await mustBeOrder(world, letter);
  const { steps } = await world.ended(task_id);
  assert.match(steps['a']?.error?.message ?? '', /handed out 2 times/);
  await bus.close();
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [task_id])).violations, []);
});

test('an order that an agent throws away is a failed attempt at once', async () => {
  await using world = await startWorld();
  const { connection } = world.bus.line;
  await world.bus.openQueue('throwers');
  const record = JSON.stringify({ v: 1, queue: 'throwers', instance: 't1', capabilities: ['lose'], concurrency: 9 });
  await world.bus.store(world.names.buckets.agents).set({ key: 'throwers.t1', data: record, expect: null });
  const { task_id } = await world.submit({ plan: { steps: [{ id: 'a', capability: 'lose', ...once }] } });
  const next = `$JS.API.CONSUMER.MSG.NEXT.${world.names.streams.orders}.throwers`;
  const order = await connection.request(next, '{"batch":1,"expires":5000000000}', { timeout: 6_000, noMux: true });
  connection.publish(order.reply as string, '+TERM');
  const letter = await letterOf(world, task_id);
  assert.equal(reasonOf(letter), 'retries_exhausted');
  assert.equal((await world.ended(task_id)).steps['a']?.error?.code, 'terminated');
  await mustBeOrder(world, letter);
});

test('what nobody answers in time is expired, what no agent can do is unroutable, a report that says nothing is invalid', async () => {
  await using world = await startWorld({ agent: false });
  let mumbled = '';
  await world.agent({
    work: {
      ...usualWork,
      hurry: () => ({ outcome: 'question', question: { text: 'Now?', expires_ms: 50 } }),
      stray: () => ({
        outcome: 'failed',
        error: { code: 'unknown_capability', message: 'not mine', retryable: false },
      }),
      mumble: async ({ report_to, step_id }) => {
        mumbled = `{"outcome":"mumbled","step":"${step_id}"}`;
        await world.bus.once({ subject: report_to, data: mumbled });
        return { outcome: 'succeeded' };
      },
    },
  });
  const submit = async (step: object) =>
    (await world.submit({ plan: { steps: [{ id: 'a', ...step } as never] } })).task_id;
  const hurried = await submit({ capability: 'hurry' });
  const strayed = await submit({ capability: 'stray', on_failure: 'skip' });
  const silent = await submit({ capability: 'mumble', timeout_ms: 1_000, ...once });
  for (const [task, reason] of [
    [hurried, 'expired'],
    [strayed, 'unroutable'],
  ] as const) {
    const letter = await letterOf(world, task);
    assert.equal(reasonOf(letter), reason);
    await mustBeOrder(world, letter);
  }
  const invalid = await letterOf(world, silent);
  assert.deepEqual([reasonOf(invalid), textOf(invalid.data)], ['invalid', mumbled]);
  for (const task of [hurried, strayed, silent]) await world.ended(task);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [hurried, strayed, silent])).violations, []);
});

test('an order that an agent can not read is put aside by the agent', async () => {
  await using world = await startWorld({ agent: false });
  const executor = await startCoordinator({ service: 'executor', url: world.server.url, instance: 'e1' });
  const { task_id } = await world.submit({ plan: { steps: [{ id: 'a', capability: 'echo', input: { x: 1 } }] } });
  await world.ended(task_id);
  const genuine = await world.bus.log(world.names.streams.orders).last(world.names.order('executor', task_id, 'a', 1));
  const order = decodeTrusted(genuine?.data ?? new Uint8Array()) as Order;
  const bad = [
    ['malformed', '{"v":1,'],
    ['malformed', '{"v":1}'],
    ['unsupported_version', JSON.stringify({ ...order, v: 7 })],
  ] as const;
  for (const [reason, data] of bad) {
    const task = newId('odd');
    await world.bus.once({ subject: world.names.order('executor', task, 'a', 1), data });
    const letter = await letterOf(world, task);
    assert.deepEqual([reasonOf(letter), letter.header(dlqHeaders.source)], [reason, 'executor']);
    await mustBeOrder(world, letter);
  }
  await executor.stop();
});

test('where the dead letters are full, or gone, nothing is let go before they take it', async () => {
  await using world = await startWorld();
  const { bus, names } = world;
  const info = async (stream: string) => (await bus.log(stream).info()).messages;
  const configure = async (more: object): Promise<void> => {
    const { config } = decodeTrusted((await bus.ask(`$JS.API.STREAM.INFO.${names.streams.dlq}`, '')).data) as {
      config: object;
    };
    const body = JSON.stringify({ ...config, ...more });
    const answer = textOf((await bus.ask(`$JS.API.STREAM.UPDATE.${names.streams.dlq}`, body)).data);
    assert.ok(!answer.includes('"error"'), answer);
  };
  await configure({ max_msgs: 1 });
  await world.plain('the first, which fills it');
  await world.letter('the first', () => world.letters.length === 1);

  const [coordinator] = world.coordinators;
  const full = newId('full');
  const { task_id } = await world.submit({
    plan: { steps: [{ id: 'a', capability: 'fail', input: { times: 9 }, ...once }] },
  });
  await world.plain(full);
  await world.until(task_id, 'it fails', ({ status }) => status === 'failed');
  await coordinator?.logged(
    'that it comes again',
    ({ msg }) => msg === 'a task could be neither taken nor put aside; it comes again',
  );
  assert.deepEqual([world.letters.length, await info(names.streams.tasks)], [1, 1], 'it is still in the plain door');
  assert.equal(world.entries.get(task_id)?.data, undefined, 'and the failed task is not stored as such');

  // A coordinator that dies now has forgotten nothing.
  await coordinator?.kill();
  await configure({ max_msgs: -1 });
  await world.coordinator({ instance: 'c1' });
  assert.equal(reasonOf(await letterOf(world, task_id)), 'retries_exhausted');
  assert.equal(textOf((await world.letter('of the full one', ({ data }) => textOf(data) === full, 40_000)).data), full);
  await world.emptied(40_000);

  await bus.ask(`$JS.API.STREAM.DELETE.${names.streams.dlq}`, '');
  const gone = newId('gone');
  await world.plain(gone);
  await world.submit({ plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  assert.equal(await info(names.streams.tasks), 1);
  await prepare(bus);
  await world.letter('of the one that came while there was none', ({ data }) => textOf(data) === gone, 40_000);
  await world.emptied(40_000);
});
