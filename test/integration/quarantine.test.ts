// What can't be gone on with stops its own task and no other: a snapshot that can't be read, an event that the engine fails on, an event that
// the process dies of.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openKeyRing, partitionOf, textOf } from '@capstan/bus';
import { dlqHeaders, type Quarantine } from '@capstan/contracts';
import { capstan } from './support/cli.ts';
import { type CoordinatorProcess, startCoordinator } from './support/coordinator.ts';
import { newId, startWorld, type World } from './support/world.ts';

const asks = {
  steps: [
    { id: 'ask', capability: 'approval', title: 'May it?' },
    { id: 'do', capability: 'noop', depends_on: ['ask'] },
  ],
};
const simple = { steps: [{ id: 'one', capability: 'noop' }] };

const quarantined = async (world: World): Promise<Quarantine[]> =>
  (await world.api<{ quarantined: Quarantine[] }>('quarantine.list', {})).quarantined;

const letterOf = (world: World, task: string) =>
  world.letter(`of ${task}`, (letter) => letter.header(dlqHeaders.task) === task);

/** An event in Capstan's own name, as only a fault of Capstan would say it. */
const sayGenuine = async (world: World, task: string, kind: string, id: string, data: string): Promise<number> => {
  const ring = await openKeyRing(world.bus);
  const bare = world.names.event(partitionOf(task), task, kind, id);
  const { seq } = await world.bus.once({ subject: `${bare}.${ring.sign(ring.current, bare)}`, data });
  await ring.stop();
  return seq;
};

const mustGoOn = async (world: World): Promise<void> => {
  const id = newId('other');
  await world.submit({ task_id: id, plan: simple });
  assert.equal((await world.ended(id)).status, 'succeeded', 'other tasks go on');
};

test('a snapshot that can not be read stops its task alone; released, it is built anew from the log', async () => {
  await using world = await startWorld();
  const id = newId('torn');
  await world.submit({ task_id: id, plan: asks });
  await world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');
  await world.checkpointed([id]);
  await world.quiet();
  const tasks = world.bus.store(world.names.buckets.tasks);
  await tasks.set({ key: id, data: '{"half', expect: null });
  const again = await world.coordinator();

  const asked = await world.ask('task.get', { task_id: id });
  assert.equal(asked.error?.code, 'unavailable');
  assert.match(asked.error?.message ?? '', /quarantined/);
  assert.match(asked.error?.hint ?? '', /capstan quarantine release/);
  await mustGoOn(world);
  const letter = await letterOf(world, id);
  assert.equal(textOf(letter.data), '{"half', 'the bytes are kept');
  assert.equal(letter.header(dlqHeaders.reason), 'internal');

  // Whoever comes next knows it too.
  await again.stop();
  await world.coordinator();
  assert.deepEqual(
    (await quarantined(world)).map(({ task_id, why }) => [task_id, why]),
    [[id, 'snapshot']],
  );
  const listed = await capstan(world.server.url, 'quarantine', 'ls');
  assert.match(listed.out, new RegExp(`${id} +snapshot`));

  const released = await capstan(world.server.url, 'quarantine', 'release', id);
  assert.equal(released.exit, 0, released.err);
  assert.match(released.out, /goes on: it is awaiting_approval/);
  const { interventions } = await world.task(id);
  await world.api('inbox.approve', { id: interventions[0], by: 'ada' });
  assert.equal((await world.ended(id)).status, 'succeeded');
  assert.deepEqual(await quarantined(world), []);
  await world.quiet();
  assert.equal((await capstan(world.server.url, 'replay', id)).exit, 0, 'the snapshot is what the log says');
});

test('a checkpoint or a list of open tasks that can not be read stops nobody: the log has it all', async () => {
  await using world = await startWorld();
  const id = newId('unlisted');
  await world.submit({ task_id: id, plan: asks });
  const { interventions } = await world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');
  await world.checkpointed([id]);
  await world.quiet();
  const tasks = world.bus.store(world.names.buckets.tasks);
  const partition = partitionOf(id);
  await tasks.set({ key: `_checkpoint.${partition}`, data: '{"seq', expect: null });
  await tasks.set({ key: `_open.${partition}.3`, data: 'x', expect: null });
  await world.coordinator();
  await world.api('inbox.approve', { id: interventions[0], by: 'ada' });
  assert.equal((await world.ended(id)).status, 'succeeded');
  await world.quiet();
  const stored = await tasks.get(`_open.${partition}.3`);
  assert.equal(textOf(stored?.data ?? new Uint8Array()), '{}', 'what was torn is written anew');
});

test('an event that the engine fails on stops its task alone, also for the next coordinator', async () => {
  await using world = await startWorld();
  const id = newId('poisoned');
  await world.submit({ task_id: id, plan: asks });
  const { interventions } = await world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');
  const seq = await sayGenuine(world, id, 'commanded', 'x', 'null');
  const letter = await letterOf(world, id);
  assert.equal(textOf(letter.data), 'null');
  assert.equal(letter.header(dlqHeaders.seq), String(seq));
  await mustGoOn(world);

  await world.checkpointed([id]);
  await world.quiet();
  await world.coordinator();
  assert.deepEqual(
    (await quarantined(world)).map((one) => [one.task_id, one.why, one.seq]),
    [[id, 'event', seq]],
  );
  assert.match((await capstan(world.server.url, 'get', id)).out, new RegExp(`quarantined since .* at event ${seq}`));
  const refused = await world.ask('task.cancel', { task_id: id, by: 'ada' });
  assert.equal(refused.error?.code, 'conflict', 'nothing is taken that would not be heard');
  // A decision that was on its way is not lost with it.
  const said = await sayGenuine(
    world,
    id,
    'decided',
    interventions[0] ?? '',
    '{"v":1,"decision":"approve","by":"ada"}',
  );
  assert.ok(said > seq);

  const tried = await capstan(world.server.url, 'quarantine', 'release', id);
  assert.equal(tried.exit, 4, 'it fails on the same event again');
  assert.match(tried.err, new RegExp(`release ${id} --skip`));
  const released = await capstan(world.server.url, 'quarantine', 'release', id, '--skip');
  assert.equal(released.exit, 0, released.err);
  assert.equal((await world.ended(id)).status, 'succeeded', 'what was said meanwhile counts');
  await world.quiet();
  const replayed = await capstan(world.server.url, 'replay', id);
  assert.equal(replayed.exit, 0, replayed.err);
  assert.match(replayed.out, /skipped: it was left out when the task was released/);
});

test('what a task had asked before it stood still, and no checkpoint had passed, is on the list once it goes on', async () => {
  await using world = await startWorld();
  const id = newId('unlisted');
  await world.submit({ task_id: id, plan: asks });
  const { interventions } = await world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');
  await world.api('inbox.approve', { id: interventions[0], by: 'ada' });
  await world.ended(id);
  await world.checkpointed([id]);
  await world.quiet();
  // As a coordinator leaves it that dies after it stored the snapshot, again and again, until the event is blamed for it.
  const tasks = world.bus.store(world.names.buckets.tasks);
  const partition = partitionOf(id);
  const lists = { whole: true, tasks: [], asked: [] };
  await tasks.set({ key: `_checkpoint.${partition}`, data: JSON.stringify({ seq: 0, at: 0, lists }), expect: null });
  for (const key of await tasks.keys(`_open.${partition}.*`)) await tasks.set({ key, data: '{}', expect: null });
  const blamed: Quarantine = {
    v: 1,
    task_id: id,
    why: 'event',
    seq: 1,
    error: 'it died',
    since: new Date(0).toISOString(),
    dead_letter: null,
    skipped: [],
    released_at: null,
    released_by: null,
  };
  await tasks.set({ key: world.names.quarantine(partition, id), data: JSON.stringify(blamed), expect: null });
  await world.coordinator();
  await world.checkpointed([id]);
  await world.api('quarantine.release', { task_id: id, by: 'ada' });
  const listed = await world.api<{ interventions: { id: string }[] }>('inbox.list', { status: 'approved' });
  assert.deepEqual(
    listed.interventions.map((one) => one.id),
    interventions,
  );
});

test('an event that the process dies of is found, left out and recorded', { timeout: 120_000 }, async () => {
  const poison = join(import.meta.dirname, 'support/die-of-poison.ts');
  const env = { NODE_OPTIONS: `--import=${poison}` };
  await using world = await startWorld({ coordinators: 0 });
  const begin = () => startCoordinator({ url: world.server.url, instance: 'c0', env });
  const first = await begin();
  const id = newId('deadly');
  await world.submit({ task_id: id, plan: asks });
  await world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');
  const innocent = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const { task_id } = await world.submit({ task_id: newId('innocent'), plan: asks });
      await world.until(task_id, 'it asks', ({ status }) => status === 'awaiting_approval');
      return task_id;
    }),
  );
  await world.checkpointed([id, ...innocent]);
  const seq = await sayGenuine(world, id, 'commanded', 'x', '{"v":1,"command":"pause","by":"ada","reason":"poison"}');
  await death(first);
  // In other partitions, they wait to be decided each time that it dies.
  for (const one of innocent) await sayGenuine(world, one, 'commanded', 'y', '{"v":1,"command":"pause","by":"ada"}');

  let starts = 0;
  let last: CoordinatorProcess | null = null;
  for (; last === null; starts += 1) {
    assert.ok(starts < 12, 'it dies of it for ever');
    const one = await begin().catch(() => null);
    if (one === null) continue;
    const lives = await Promise.race([death(one), letterOf(world, id).then(() => true)]);
    if (lives) last = one;
  }
  try {
    assert.ok(starts > 3, 'three starts without progress come first');
    await mustGoOn(world);
    const [found, ...others] = await quarantined(world);
    assert.deepEqual([found?.task_id, found?.seq, others], [id, seq, []], 'the guilty one alone');
    for (const one of innocent) await world.until(one, 'it is paused', ({ status }) => status === 'paused');
    assert.match(found?.error ?? '', /died 2 times/);
  } finally {
    await last.end();
  }
});

/** False once it has ended by itself. */
const death = (one: CoordinatorProcess): Promise<false> =>
  one
    .logged('that it died', () => false, 60_000)
    .then(
      () => false,
      () => false,
    );
