// Tasks that ended long ago: in the archive and not in the bucket, out of the log, still to be read, never to be begun anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archiveObject, openArchive, partitionOf, textOf } from '@capstan/bus';
import type { Intervention, TaskRecord } from '@capstan/contracts';
import { capstan } from './support/cli.ts';
import { newId, startWorld, type World } from './support/world.ts';

const quick = { CAPSTAN_PURGE_EVERY_MS: '200', CAPSTAN_KEEP_ORDERS_MS: '1000' };
const soon = { ...quick, CAPSTAN_KEEP_TASKS_MS: '0' };
const plan = { steps: [{ id: 'a', capability: 'echo', input: { text: 'hello' } }] };

/** Resolves once the bucket has it no more. */
const archived = async (world: World, ids: readonly string[]): Promise<void> => {
  for (const until = Date.now() + 30_000; ; await world.changeOr(100)) {
    const left = ids.filter((id) => world.entries.get(id)?.gone !== true);
    if (left.length === 0) return;
    if (Date.now() > until) throw new Error(`${left.join(', ')} are still in the bucket`);
  }
};

const firstEvent = async (world: World): Promise<number> =>
  (await world.bus.log(world.names.streams.events).info()).first;

/** Resolves once the log has forgotten everything below. */
const purged = async (world: World, before: number): Promise<void> => {
  for (const until = Date.now() + 30_000; (await firstEvent(world)) < before; await world.changeOr(100))
    if (Date.now() > until) throw new Error(`the log still begins at ${await firstEvent(world)}, not at ${before}`);
};

test('an ended task is read from the archive, and can not be changed', { timeout: 120_000 }, async () => {
  await using world = await startWorld({ coordinators: 0 });
  await world.coordinator({ env: soon });
  const [id, asking, open] = [newId('old'), newId('asking'), newId('open')];
  const body = { task_id: id, title: 'An old one', plan };
  await world.submit(body);
  await world.submit({ task_id: asking, plan: { steps: [{ id: 'b', capability: 'echo', risk: 'high' }] } });
  await world.ended(id);
  const waiting = await world.until(asking, 'it asks', ({ status }) => status === 'awaiting_approval');
  const [ask = ''] = waiting.interventions;
  await world.api('inbox.approve', { id: ask, by: 'alice' });
  await archived(world, [id, asking]);

  // Everything that was there of it, except in the lists.
  const record = await world.task(id);
  assert.deepEqual(
    [record.status, record.title, record.steps['a']?.output],
    ['succeeded', 'An old one', { text: 'hello' }],
  );
  assert.ok(record.archived_at !== undefined);
  const report = await world.api<{ markdown: string }>('task.report', { task_id: id });
  assert.match(report.markdown, /An old one/);
  const { tasks } = await world.api<{ tasks: TaskRecord[] }>('task.list', {});
  assert.ok(tasks.every(({ task_id }) => task_id !== id));
  for (const until = Date.now() + 20_000; ; await world.changeOr(100)) {
    const { error } = await world.ask('inbox.get', { id: ask });
    if (error?.code === 'not_found') break;
    assert.ok(Date.now() < until, 'what it asked is still in the inbox');
  }

  // The same body is the same task, another is a conflict, before and after its events are purged; nothing can be done to it.
  const refused = async (): Promise<void> => {
    const again = await world.api('task.submit', body);
    assert.deepEqual([again['task_id'], again['created'], again['status']], [id, false, 'succeeded']);
    assert.equal((await world.ask('task.submit', { ...body, title: 'Another' })).error?.code, 'conflict');
    for (const verb of ['retry', 'cancel', 'pause'])
      assert.equal((await world.ask(`task.${verb}`, { task_id: id, by: 'alice' })).error?.code, 'gone', verb);
    const { body: said } = await world.ask('task.events', { task_id: id });
    const kinds = (said['events'] as { kind: string }[]).map(({ kind }) => kind);
    assert.deepEqual([kinds[0], kinds.includes('report')], ['submitted', true]);
    const replayed = await capstan(world.server.url, 'replay', id);
    assert.equal(replayed.exit, 0, replayed.err);
    assert.match(replayed.err, /says the same/);
  };
  await refused();

  // What is still open keeps its events; all that came before goes.
  await world.submit({ task_id: open, plan: { steps: [{ id: 'c', capability: 'echo', risk: 'high' }] } });
  await world.until(open, 'it asks', ({ status }) => status === 'awaiting_approval');
  const began = await world.bus
    .log(world.names.streams.events)
    .last(world.names.event(partitionOf(open), open, 'submitted', '*'));
  await purged(world, began?.seq ?? 0);
  assert.equal(await firstEvent(world), began?.seq);
  await refused();
  assert.equal((await capstan(world.server.url, 'replay', open)).exit, 0);
  const { items } = { items: (await world.api<{ interventions: Intervention[] }>('inbox.list', {})).interventions };
  assert.deepEqual(
    items.map(({ task_id }) => task_id),
    [open],
  );
});

test('a dead letter of an archived task can not be redriven, and so stays open until it is dropped', {
  timeout: 120_000,
}, async () => {
  await using world = await startWorld({ coordinators: 0 });
  await world.coordinator({ env: soon });
  const id = newId('failed');
  const step = { id: 'a', capability: 'fail', input: { times: 9 }, retry: { max_attempts: 1 } };
  await world.submit({ task_id: id, plan: { steps: [step] } });
  assert.equal((await world.ended(id)).status, 'failed');
  const letter = (await world.letter('of it', (one) => one.header('Dlq-Task') === id)).header('Dlq-Id');
  await archived(world, [id]);

  assert.equal((await world.ask('dlq.redrive', { id: letter })).error?.code, 'gone');
  assert.equal((await world.api<{ state: string }>('dlq.get', { id: letter })).state, 'open');
  assert.equal((await capstan(world.server.url, 'dlq', 'drop', letter ?? '')).exit, 0);
  assert.equal((await world.api<{ state: string }>('dlq.get', { id: letter })).state, 'dropped');
});

test('a log that is read from its beginning begins no archived task anew', { timeout: 120_000 }, async () => {
  await using world = await startWorld({ coordinators: 0 });
  await world.coordinator({ env: { ...soon, CAPSTAN_KEEP_ORDERS_MS: '600000' } });
  const ids = Array.from({ length: 5 }, () => newId('old'));
  for (const id of ids) await world.submit({ task_id: id, plan });
  for (const id of ids) await world.ended(id);
  await archived(world, ids);
  await world.quiet();
  assert.equal(await firstEvent(world), 1);
  const orders = (await world.bus.log(world.names.streams.orders).info()).last;
  const store = world.bus.store(world.names.buckets.tasks);
  for (const key of await store.keys('_checkpoint.*'))
    await store.set({ key, data: 'nothing that can be read', expect: null });

  await world.coordinator();
  const next = newId('next');
  await world.submit({ task_id: next, plan });
  await world.ended(next);
  for (const id of ids) {
    assert.equal((await world.task(id)).archived_at === undefined, false, id);
    assert.ok((await store.get(id))?.gone, `${id} is in the bucket again`);
  }
  // One for the task that came after, and none for those that are over.
  assert.equal((await world.bus.log(world.names.streams.orders).info()).last, orders + 1);
});

test('of what is kept by number the oldest go first; artifacts and the archive have a time of their own', {
  timeout: 120_000,
}, async () => {
  await using world = await startWorld({ coordinators: 0 });
  await world.coordinator({ env: { ...quick, CAPSTAN_KEEP_TASKS_MAX: '0', CAPSTAN_KEEP_ARTIFACTS_MS: '4000' } });
  const id = newId('old');
  const big = { text: 'x'.repeat(20_000) };
  await world.submit({ task_id: id, plan: { steps: [{ id: 'a', capability: 'echo', input: big }] } });
  await world.ended(id);
  const objects = world.bus.objects(world.names.buckets.artifacts);
  const output = world.names.outputRef(id, 'a', 1).slice(world.names.buckets.artifacts.length + 1);
  await archived(world, [id]);
  assert.ok((await objects.info(output)) !== null);
  for (const until = Date.now() + 20_000; (await objects.info(output)) !== null; await world.changeOr(100))
    assert.ok(Date.now() < until, 'its artifacts are still there');
  assert.equal((await world.task(id)).status, 'succeeded');

  // An installation that keeps its archive for less long.
  await world.quiet();
  const entry = await world.bus.store(world.names.buckets.tasks).get(world.names.archive(partitionOf(id)));
  const { batches } = JSON.parse(textOf(entry?.data ?? Buffer.of())) as { batches: { name: string }[] };
  const name = archiveObject(partitionOf(id), batches[0]?.name ?? '');
  assert.ok((await objects.info(name)) !== null);
  await world.coordinator({ env: { ...quick, CAPSTAN_KEEP_ARTIFACTS_MS: '0', CAPSTAN_KEEP_ARCHIVE_MS: '0' } });
  for (const until = Date.now() + 20_000; await openArchive(world.bus).holds(id); await world.changeOr(100))
    assert.ok(Date.now() < until, 'the archive still has it');
  assert.equal(await objects.info(name), null);
});
