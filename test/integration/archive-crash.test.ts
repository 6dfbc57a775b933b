// Kill -9 before and after each step by which a task goes to the archive: it is in the bucket or in the archive, whole, and begun once.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { archiveLines, archiveObject, openArchive, partitionOf, textOf } from '@capstan/bus';
import type { Intervention, TaskRecord } from '@capstan/contracts';
import { type Fate, fateText, type Moment, type Point } from '../chaos/points.ts';
import { startCoordinator } from './support/coordinator.ts';
import { readAll } from './support/replay.ts';
import { newId, startWorld, type World } from './support/world.ts';

const instance = 'c1';
const quick = { CAPSTAN_PURGE_EVERY_MS: '300', CAPSTAN_KEEP_ORDERS_MS: '1000' };
const archiving = { ...quick, CAPSTAN_KEEP_TASKS_MS: '0' };
/** The first key of the archive says what is about to be put, the second begins the step itself. */
const fates: readonly (readonly [Point, Moment, number?])[] = [
  ['batch', 'before'],
  ['batch', 'stored'],
  ['archive', 'before'],
  ['archive', 'sent'],
  ['archive', 'stored'],
  ['archive', 'before', 2],
  ['archive', 'sent', 2],
  ['question', 'before'],
  ['question', 'sent'],
  ['purge', 'before'],
  ['purge', 'sent'],
];

let world: World;
before(async () => {
  world = await startWorld({ coordinators: 0 });
});
after(() => world[Symbol.asyncDispose]());

/** Of one partition, so that a batch has more than one. */
const submitSome = async (): Promise<string[]> => {
  const at = partitionOf(newId());
  const ids: string[] = [];
  while (ids.length < 4) {
    const id = newId('old');
    if (partitionOf(id) === at) ids.push(id);
  }
  for (const [nth, id] of ids.entries()) {
    await world.submit({
      task_id: id,
      plan: { steps: [{ id: 'a', capability: 'echo', ...(nth === 0 ? { risk: 'high' } : {}) }] },
    });
    if (nth > 0) continue;
    const { interventions } = await world.until(id, 'it asks', ({ status }) => status === 'awaiting_approval');
    await world.api('inbox.approve', { id: interventions[0], by: 'alice' });
  }
  await world.allEnded(ids, 20_000);
  return ids;
};

const dieAt = async (fate: Fate): Promise<void> => {
  const env = {
    ...archiving,
    NODE_OPTIONS: `--import ${join(import.meta.dirname, '../chaos/die.ts')}`,
    CAPSTAN_CHAOS_FATE: fateText(fate),
  };
  try {
    const dying = await startCoordinator({ url: world.server.url, instance, env });
    await dying.logged('that its fate is met', ({ msg }) => msg === 'fate');
    await dying.gone;
  } catch (error) {
    // It may come by that point before it is ready.
    if (!/SIGKILL/.test(String(error))) throw error;
  }
};

const mustBeArchived = async (ids: readonly string[], orders: number): Promise<void> => {
  const { bus, names } = world;
  const archive = openArchive(bus);
  for (const id of ids) {
    const { head, events } = (await archive.find(id)) ?? assert.fail(`${id} is in no archive`);
    assert.deepEqual([head.status, events[0]?.subject.includes(`.${id}.submitted.`)], ['succeeded', true], id);
    const shown = await world.task(id);
    assert.deepEqual([shown.status, shown.archived_at !== undefined], ['succeeded', true], id);
  }
  assert.equal((await bus.log(names.streams.orders).info()).last, orders, 'nothing was ordered anew');
  // Each is named once, in a batch that is there.
  const at = partitionOf(ids[0] as string);
  const entry = await bus.store(names.buckets.tasks).get(names.archive(at));
  const { batches } = JSON.parse(textOf(entry?.data ?? Buffer.of())) as { batches: { name: string }[] };
  const held: string[] = [];
  for (const { name } of batches) {
    const data = await bus.objects(names.buckets.artifacts).get(archiveObject(at, name));
    held.push(...archiveLines(data ?? assert.fail(`the batch ${name} is not there`)).map(({ task_id }) => task_id));
  }
  assert.deepEqual(held.filter((id) => ids.includes(id)).toSorted(), [...ids].toSorted());
};

/** Objects of the archive that no partition names. */
const strayBatches = async (): Promise<string[]> => {
  const { bus, names } = world;
  const prefix = `$O.${names.buckets.artifacts}.M.`;
  const named: string[] = [];
  for (const { subject, data } of await readAll(bus, `KV_${names.buckets.tasks}`)) {
    const partition = /\._archive\.(\d+)$/.exec(subject)?.[1];
    if (partition === undefined || data.length === 0) continue;
    const { batches } = JSON.parse(textOf(data)) as { batches: { name: string }[] };
    named.push(...batches.map(({ name }) => archiveObject(Number(partition), name)));
  }
  return (await readAll(bus, `OBJ_${names.buckets.artifacts}`))
    .filter(
      ({ subject, data }) =>
        subject.startsWith(prefix) && (JSON.parse(textOf(data)) as { deleted?: boolean }).deleted !== true,
    )
    .map(({ subject }) => Buffer.from(subject.slice(prefix.length), 'base64url').toString())
    .filter((name) => name.startsWith('_archive/') && !named.includes(name));
};

/** Resolves once it is so. */
const soon = async (what: string, look: () => Promise<boolean>): Promise<void> => {
  for (const until = Date.now() + 30_000; !(await look()); await world.changeOr(100))
    if (Date.now() > until) assert.fail(what);
};

for (const [point, moment, nth = 1] of fates)
  test(`killed ${moment} ${point}${nth > 1 ? `, time ${nth}` : ''}`, { timeout: 120_000 }, async () => {
    const keeping = await startCoordinator({ url: world.server.url, instance, env: quick });
    const ids = await submitSome();
    const orders = (await world.bus.log(world.names.streams.orders).info()).last;
    await keeping.stop();
    await dieAt({ point, moment, nth });
    // Half of it is nothing: whatever it died of, whoever looks finds each task.
    const next = await startCoordinator({
      url: world.server.url,
      instance,
      env: { ...archiving, CAPSTAN_KEEP_TASKS_MS: '60000' },
    });
    for (const id of ids) assert.equal((await world.task(id)).status, 'succeeded', id);
    await next.stop();
    const last = await startCoordinator({
      url: world.server.url,
      instance,
      env: { ...archiving, CAPSTAN_KEEP_STRAYS_MS: '0' },
    });
    const { bus, names } = world;
    await soon('some are still in the bucket', async () =>
      (await Promise.all(ids.map((id) => bus.store(names.buckets.tasks).get(id)))).every(
        (entry) => entry?.gone !== false,
      ),
    );
    await mustBeArchived(ids, orders);
    await soon(
      'what they asked is still in the inbox',
      async () => (await bus.store(names.buckets.inbox).keys()).length === 0,
    );
    await soon('the lists still have some', async () => {
      const { tasks, total } = await world.api<{ tasks: TaskRecord[]; total: number }>('task.list', {});
      const { interventions } = await world.api<{ interventions: Intervention[] }>('inbox.list', { status: 'all' });
      return tasks.length + total + interventions.length === 0;
    });
    // All but the newest, where the checkpoints stand.
    await soon(
      'the log still has their events',
      async () => (await bus.log(names.streams.events).info()).messages <= 1,
    );
    await soon('a batch that nobody names is still there', async () => (await strayBatches()).length === 0);
    await mustBeArchived(ids, orders);
    await last.stop();
  });
