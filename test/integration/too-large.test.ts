// What grows larger than a message may be stops its own task and no other: the checkpoint of its partition goes on, and so does everything that waits for that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf, textOf } from '@capstan/bus';
import { dlqHeaders, type Quarantine } from '@capstan/contracts';
import { usualWork } from './support/agent.ts';
import { newId, startWorld } from './support/world.ts';

const neighbourOf = (task: string): string => {
  for (;;) {
    const id = newId('neighbour');
    if (partitionOf(id) === partitionOf(task)) return id;
  }
};

test('a task whose snapshot no message holds is quarantined, and its partition goes on', {
  timeout: 120_000,
}, async () => {
  await using world = await startWorld({ agent: false, server: { maxPayload: 128 * 1_024 } });
  await world.agent({ work: { ...usualWork, much: () => ({ outcome: 'succeeded', output: 'x'.repeat(3_500) }) } });
  const id = newId('large');
  const steps = Array.from({ length: 60 }, (_, at) => ({ id: `s${at}`, capability: 'much' }));
  await world.submit({
    task_id: id,
    plan: { steps: [...steps, { id: 'ask', capability: 'approval', title: 'May it?' }] },
  });
  const letter = await world.letter('of it', (one) => one.header(dlqHeaders.task) === id);
  assert.equal(letter.header(dlqHeaders.reason), 'internal');
  assert.match(letter.header(dlqHeaders.error) ?? '', /has \d+ bytes, more than the server takes/);
  assert.match(letter.header(dlqHeaders.ref) ?? '', /^capstan_artifacts\/_dlq\//, 'the bytes are kept, beside it');

  const neighbour = neighbourOf(id);
  await world.submit({ task_id: neighbour, plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  assert.equal((await world.ended(neighbour)).status, 'succeeded');
  const { last } = await world.bus.log(world.names.streams.events).info();
  for (const until = Date.now() + 20_000; ; await world.changeOr(100)) {
    const checkpoint = world.entries.get(`_checkpoint.${partitionOf(id)}`);
    if (checkpoint !== undefined && (JSON.parse(textOf(checkpoint.data)) as { seq: number }).seq >= last) break;
    assert.ok(Date.now() < until, 'the checkpoint stands still');
  }
  await world.quiet();
  await world.coordinator();
  const { quarantined } = await world.api<{ quarantined: Quarantine[] }>('quarantine.list', {});
  assert.deepEqual(
    quarantined.map(({ task_id, why }) => [task_id, why]),
    [[id, 'snapshot']],
  );
  assert.equal((await world.ask('task.cancel', { task_id: id, by: 'ada' })).error?.code, 'unavailable');
});

test('what would make such a task is refused at the door, and said to the agent that reports it', {
  timeout: 120_000,
}, async () => {
  await using world = await startWorld({ agent: false });
  const artifacts = Array.from({ length: 1_000 }, (_, at) => ({
    name: `report-${at}-${'x'.repeat(100)}.xml`,
    size: at,
    sha256: 'a'.repeat(64),
    ref: `capstan_artifacts/t/s/1/report-${at}-${'x'.repeat(100)}.xml`,
  }));
  const some = artifacts.slice(0, 300);
  const many = ({ input }: { input: Record<string, unknown> }) =>
    ({ outcome: 'succeeded', output: {}, artifacts: input['all'] === true ? artifacts : some }) as const;
  await world.agent({ work: { ...usualWork, many } });

  const leaves = Array.from({ length: 1_000 }, (_, at) => ({
    id: `step-with-a-rather-long-name-as-people-give-them-${at}`,
    capability: 'noop',
  }));
  const depends_on = leaves.map(({ id }) => id);
  const joins = Array.from({ length: 60 }, (_, at) => ({ id: `join${at}`, capability: 'noop', depends_on }));
  const { bus, names } = world;
  const data = Buffer.from(JSON.stringify({ steps: [...leaves, ...joins] }));
  const { sha256 } = await bus.objects(names.buckets.artifacts).put('uploads/deps.json', data);
  const plan_ref = { ref: `${names.buckets.artifacts}/uploads/deps.json`, sha256 };
  assert.equal((await world.ask('task.submit', { task_id: newId('deps'), plan_ref })).error?.code, 'too_large');

  const id = newId('many');
  const on_failure = 'skip' as const;
  const steps = ['a', 'b'].map((step) => ({ id: step, capability: 'many', input: { all: step === 'b' }, on_failure }));
  await world.submit({ task_id: id, plan: { steps } });
  const ended = await world.ended(id);
  assert.deepEqual([ended.steps['a']?.status, ended.steps['b']?.attempts[0]?.error?.code], ['succeeded', 'too_large']);
  assert.equal(ended.artifacts.length, 300, 'all that there are, asked of its owner');
  const stored = await world.stored(id, 'it ended', ({ status }) => status === ended.status);
  assert.deepEqual(stored.artifacts, [], 'as it is stored its steps have them, once');
});
