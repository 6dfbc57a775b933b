// A circuit over a real server: failures that speak of the agent open it, its orders wait, one trial closes it; nobody asks a coordinator to remember.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '@capstan/bus';
import { usualWork, type Work } from './support/agent.ts';
import { readAll } from './support/replay.ts';
import { audit } from './support/audit.ts';
import { newId, startWorld } from './support/world.ts';

interface Shown {
  readonly id: string;
  readonly circuit: string;
  readonly trips: number;
}

const config = `
settings:
  circuit: { failures: 2, recovery_ms: 1500, codes: ['unavailable'] }
`;
const once = { max_attempts: 3, initial_delay_ms: 5_000, jitter: 0 };
const sick = (id = newId()) => ({
  task_id: id,
  plan: { steps: [{ id: 'a', capability: 'fail', input: { times: 99, code: 'unavailable' }, retry: once }] },
});

test('a circuit opens, its dead letters say so, orders wait behind it and leave once a trial went well', async () => {
  await using world = await startWorld({ config });
  const first = await world.submit(sick());
  await world.until(first.task_id, 'it is tried again later', ({ steps }) => steps['a']?.status === 'retrying');
  const second = await world.submit(sick());
  const ended = await world.ended(second.task_id);
  assert.deepEqual(
    [ended.status, ended.steps['a']?.attempt, ended.steps['a']?.error?.code],
    ['failed', 1, 'circuit_open'],
  );
  assert.match(
    ended.steps['a']?.error?.message ?? '',
    /the circuit of (queue|tool) ".*" is open after 2 failures in a row/,
  );
  await world.letter('circuit_open', ({ subject }) => subject.includes('.circuit_open.'));

  // The same queue, another tool: nobody hands it out before the circuit was tried.
  const third = await world.submit({ plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  const waiting = await world.until(third.task_id, 'it waits', ({ steps }) =>
    /circuit|go well/.test(steps['a']?.waiting_for ?? ''),
  );
  assert.match(waiting.steps['a']?.waiting_for ?? '', /is tried again: the circuit of queue ".*" is open/);
  assert.equal((await world.ended(third.task_id)).status, 'succeeded');

  // The queue was tried and its tool was not. The bucket may lag a little behind what was decided.
  const wanted = ['_breaker-queue-worker closed 1', '_breaker-tool-fail half_open 1'];
  for (let shown: string[] = []; ; await world.changeOr(200)) {
    const { circuits } = await world.api<{ circuits: Shown[] }>('circuit.list', {});
    shown = circuits.map(({ id, circuit, trips }) => `${id} ${circuit} ${trips}`);
    if (shown.join() === wanted.join()) break;
  }
  await world.quiet();
});

test('an open circuit, what waits behind it, and a cancelled order that never left outlive kill -9', async () => {
  await using world = await startWorld({ config: config.replace('1500', '600000') });
  const [one, two] = [await world.submit(sick()), await world.submit(sick())];
  await world.until(two.task_id, 'the circuit opens', ({ status }) => status === 'failed');
  const waits = await world.submit({ plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  const given = await world.submit({ plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  for (const { task_id } of [waits, given])
    await world.stored(task_id, 'its snapshot says that an order is owed', (task) => 'view' in task);
  await world.coordinators[0]?.kill();
  await world.coordinator({ instance: 'c1' });
  await world.until(waits.task_id, 'it waits still', ({ steps }) =>
    /is open after/.test(steps['a']?.waiting_for ?? ''),
  );
  await world.api('task.cancel', { task_id: given.task_id });
  const cancelled = await world.ended(given.task_id);
  assert.deepEqual([cancelled.status, cancelled.steps['a']?.agent], ['cancelled', 'capstan']);
  const subjects = (await readAll(world.bus, world.names.streams.orders)).map(({ subject }) => subject);
  assert.ok(!subjects.some((subject) => subject.includes(waits.task_id) || subject.includes(given.task_id)));

  for (const id of ['_breaker-queue-worker', '_breaker-tool-fail'])
    await world.api('circuit.reset', { id, by: 'alice' });
  assert.equal((await world.ended(waits.task_id)).status, 'succeeded');
  await world.api('task.cancel', { task_id: one.task_id });
  await world.ended(one.task_id);
  await world.quiet();
  assert.deepEqual(
    (
      await audit(
        world.bus,
        [one, two, waits, given].map(({ task_id }) => task_id),
      )
    ).violations,
    [],
  );
});

test('a circuit that one coordinator sees open is open for all of them', async () => {
  await using world = await startWorld({ config: config.replace('1500', '600000'), coordinators: 2 });
  const [one, two] = [await world.submit(sick()), await world.submit(sick())];
  // Whose failure is heard last opens it, and is a dead letter; the other one waits to be tried again.
  const opens = ({ task_id: id }: { task_id: string }) =>
    world.until(id, 'the circuit opens', ({ status }) => status === 'failed').then(() => id);
  const failed = await Promise.any([one, two].map(opens));
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => newId(letter));
  for (const task_id of ids) await world.submit({ task_id, plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  for (const id of ids)
    await world.until(id, 'it waits', ({ steps }) => /is open after/.test(steps['a']?.waiting_for ?? ''));
  await world.api('circuit.reset', { id: '_breaker-queue-worker' });
  await world.allEnded(ids, 15_000);
  await world.api('task.cancel', { task_id: failed === one.task_id ? two.task_id : one.task_id });
});

test('while a circuit is open any failure is a dead letter for that: of the work, with attempts left or none, not retryable', async () => {
  await using world = await startWorld({ config: config.replace('1500', '600000'), agent: false });
  const inHand: (() => void)[] = [];
  const later: Work = ({ input }) =>
    new Promise((done) => {
      const error = { code: 'tests_failed', message: 'No.', retryable: input['again'] === true };
      inHand.push(() => done({ outcome: 'failed', error }));
    });
  await world.agent({ work: { ...usualWork, later } });
  const ids: string[] = [];
  for (const [most, again] of [
    [3, true],
    [1, true],
    [3, false],
  ] as const) {
    const step = { id: 'a', capability: 'later', input: { again }, retry: { ...once, max_attempts: most } };
    ids.push((await world.submit({ plan: { steps: [step] } })).task_id);
  }
  while (inHand.length < ids.length) await world.changeOr(200);
  const [one, two] = [await world.submit(sick()), await world.submit(sick())];
  await Promise.any(
    [one, two].map(({ task_id: id }) => world.until(id, 'it opens', ({ status }) => status === 'failed')),
  );
  for (const say of inHand) say();
  for (const id of ids) {
    const { status, steps } = await world.ended(id);
    assert.deepEqual([status, steps['a']?.attempt, steps['a']?.error?.code], ['failed', 1, 'circuit_open'], id);
    const isIts = ({ subject, data }: Message) =>
      subject.includes('.circuit_open.') && `${Buffer.from(data)}`.includes(id);
    await world.letter('circuit_open', isIts);
  }
  for (const { task_id } of [one, two]) await world.api('task.cancel', { task_id }).catch(() => undefined);
});
