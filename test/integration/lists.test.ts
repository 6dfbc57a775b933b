// Lists of tasks, and of what waits for a person, beside what there is: filtered, page by page, by several coordinators, after kills, and made anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf, textOf } from '@capstan/bus';
import type { Intervention, TaskRecord } from '@capstan/contracts';
import { newId, startWorld, type World } from './support/world.ts';

interface Page {
  readonly tasks: TaskRecord[];
  readonly cursor: string | null;
  readonly total: number;
}

const pages = async (world: World, asked: object, limit: number): Promise<{ ids: string[]; total: number }> => {
  const ids: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: Page = await world.api<Page>('task.list', { ...asked, limit, ...(cursor === null ? {} : { cursor }) });
    ids.push(...page.tasks.map((task) => task.task_id));
    if (page.cursor === null) return { ids, total: page.total };
    cursor = page.cursor;
  }
};

const inbox = async (world: World, asked: object): Promise<{ ids: string[]; total: number }> => {
  const ids: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const page: { interventions: Intervention[]; cursor: string | null; total: number } = await world.api(
      'inbox.list',
      {
        ...asked,
        limit: 3,
        ...(cursor === null ? {} : { cursor }),
      },
    );
    ids.push(...page.interventions.map((item) => item.task_id));
    if (page.cursor === null) return { ids, total: page.total };
    cursor = page.cursor;
  }
};

const step = { id: 'a', capability: 'echo' };
const waits = { ...step, risk: 'high' } as const;

/** Asked until it is so: what has just changed is on the lists in a moment. */
const soon = async (world: World, look: () => Promise<void>, ms = 15_000): Promise<void> => {
  for (const until = Date.now() + ms; ; await world.changeOr(100)) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
};

/** Six that end, four that wait for a person, two of them of another tenant. */
const fill = async (world: World) => {
  const ended = Array.from({ length: 6 }, () => newId('ended'));
  const waiting = Array.from({ length: 4 }, () => newId('waiting'));
  for (const id of ended) await world.submit({ task_id: id, plan: { steps: [step] } });
  for (const [at, id] of waiting.entries())
    await world.submit({ task_id: id, tenant: at % 2 === 0 ? 'acme' : 'default', plan: { steps: [waits] } });
  await world.allEnded(ended, 15_000);
  for (const id of waiting) await world.stored(id, 'waits', (task) => task.status === 'awaiting_approval');
  return { ended, waiting };
};

const mustList = async (world: World, { ended, waiting }: Awaited<ReturnType<typeof fill>>): Promise<void> => {
  const all = await pages(world, {}, 3);
  assert.deepEqual([new Set(all.ids), all.ids.length, all.total], [new Set([...ended, ...waiting]), 10, 10]);
  const created = await Promise.all(all.ids.map(async (id) => (await world.task(id)).created_at));
  assert.deepEqual(created, created.toSorted().toReversed());
  assert.deepEqual(await pages(world, { status: 'succeeded' }, 4), {
    ids: all.ids.filter((id) => ended.includes(id)),
    total: 6,
  });
  assert.deepEqual(await pages(world, { tenant: 'acme' }, 1), {
    ids: all.ids.filter((id) => id === waiting[0] || id === waiting[2]),
    total: 2,
  });
  const [oldest = ''] = created.slice(-3);
  const since = await pages(world, { since: oldest }, 2);
  assert.deepEqual(
    [since.ids, since.total],
    [all.ids.slice(0, since.total), created.filter((at) => at >= oldest).length],
  );
  const asked = await inbox(world, {});
  assert.deepEqual([new Set(asked.ids), asked.ids.length, asked.total], [new Set(waiting), 4, 4]);
  assert.deepEqual((await inbox(world, { tenant: 'acme' })).total, 2);
  assert.deepEqual((await inbox(world, { task_id: waiting[1] })).ids, [waiting[1]]);
};

test('two coordinators list what both have; a killed one leaves no gap', { timeout: 120_000 }, async () => {
  await using world = await startWorld({ coordinators: 2 });
  const known = await fill(world);
  await soon(world, () => mustList(world, known));

  await world.coordinators[0]?.kill();
  // What it had stored in its last moment is listed once somebody has taken over.
  await soon(world, () => mustList(world, known), 45_000);
  const [first = ''] = known.waiting;
  const { interventions } = await world.task(first);
  await world.api('inbox.approve', { id: interventions[0], by: 'alice' });
  await world.ended(first);
  await soon(world, async () => {
    assert.equal((await inbox(world, {})).total, 3);
    assert.deepEqual((await inbox(world, { status: 'approved' })).ids, [first]);
    assert.equal((await pages(world, { status: 'succeeded' }, 100)).total, 7);
  });
});

test('lists that are missing or were written over are made anew', { timeout: 120_000 }, async () => {
  await using world = await startWorld();
  const known = await fill(world);
  await soon(world, () => mustList(world, known));
  await world.quiet();
  const store = world.bus.store(world.names.buckets.tasks);
  // As an installation has it from before there were lists; and one that somebody wrote over.
  const spoiled = partitionOf(known.ended[0] as string);
  for (const key of await store.keys('_checkpoint.*')) {
    const entry = await store.get(key);
    const { lists, ...rest } = JSON.parse(textOf(entry?.data ?? Buffer.of())) as Record<string, unknown>;
    assert.ok(lists !== undefined, `${key} has no lists`);
    if (key !== `_checkpoint.${spoiled}`) await store.set({ key, data: JSON.stringify(rest), expect: null });
  }
  await store.set({ key: `_list.tasks.${spoiled}`, data: 'not a list', expect: null });
  await world.coordinator();
  await soon(world, () => mustList(world, known));
});
