// What happens to a task at the very moment at which it goes to the archive: it goes as it was read, or not at all.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Broker, type Bus, decodeTrusted, keyRingOf, memoryBus, newKeys, openArchive, textOf } from '@capstan/bus';
import { type ApiError, type Order, settings, type TaskRecord } from '@capstan/contracts';
import { realClock } from '../clock.ts';
import { startCoordinator } from '../coordinator.ts';
import { defaultKeeping } from '../keeping.ts';
import { newCounts } from '../world.ts';

const silent = () => {};
const queue = 'worker';

interface Stage {
  readonly bus: Bus;
  readonly id: string;
  /** Resolves once the task has left the bucket. */
  readonly gone: () => Promise<void>;
}

/** One task that has failed, and a coordinator that archives at once; `onBatch` is called as the first batch is about to be put. */
const archivesOne = async (t: TestContext, onBatch: (bus: Bus, id: string) => Promise<void>): Promise<Stage> => {
  const broker = new Broker();
  const bus = memoryBus(broker);
  const own = memoryBus(broker);
  const id = 'old';
  let isFirst = true;
  const objects: Bus['objects'] = (bucket) => {
    const of = own.objects(bucket);
    return {
      ...of,
      put: async (name, data) => {
        if (isFirst && name.startsWith('_archive/')) {
          isFirst = false;
          await onBatch(bus, id);
        }
        return of.put(name, data);
      },
    };
  };
  const coordinator = await startCoordinator({
    bus: { ...own, objects },
    names: bus.names,
    ring: keyRingOf(newKeys()),
    clock: realClock,
    newId: () => Math.random().toString(36).slice(2),
    log: { info: silent, warn: silent, error: silent },
    counts: newCounts(),
    member: 'c1',
    rules: 1,
    partitions: 2,
    settings: settings.parse({}),
    keeping: { ...defaultKeeping, tasksMs: 0, purgeEveryMs: 50 },
    fatal: (error) => t.diagnostic(String(error)),
  });
  t.after(async () => {
    await coordinator.stop();
    broker.close();
  });
  await bus.openQueue(queue);
  const now = new Date().toISOString();
  const agent = {
    v: 1,
    queue,
    instance: '1',
    capabilities: ['break'],
    concurrency: 4,
    busy: 0,
    started_at: now,
    health: 'ok',
  };
  await bus.store(bus.names.buckets.agents).set({ key: `${queue}.1`, data: JSON.stringify(agent), expect: null });
  await bus.takeOrders(queue, 4, (delivery) => {
    const { task_id, step_id, attempt, lease, report_to: subject } = decodeTrusted(delivery.data) as Order;
    const error = { code: 'broken', message: 'It is broken.' };
    const report = { v: 1, task_id, step_id, attempt, lease, agent: 'worker.1', outcome: 'failed', error };
    void bus.once({ subject, data: JSON.stringify(report) }).then(() => delivery.ack());
  });
  const body = { task_id: id, plan: { steps: [{ id: 'a', capability: 'break', retry: { max_attempts: 1 } }] } };
  await bus.ask(bus.names.api('task', 'submit'), JSON.stringify(body));
  const gone = new Promise<void>((resolve) => {
    void bus.store(bus.names.buckets.tasks).watch((entry) => {
      if (entry.key === id && entry.gone) resolve();
    });
  });
  return { bus, id, gone: () => gone };
};

test('what another owner writes at that moment is not lost: the task goes later, as it is then', async (t) => {
  let written = 0;
  const { bus, id, gone } = await archivesOne(t, async (other, task) => {
    const store = other.store(other.names.buckets.tasks);
    const entry = await store.get(task);
    const head = JSON.parse(textOf(entry?.data ?? Buffer.of())) as TaskRecord;
    written = await store.set({
      key: task,
      data: JSON.stringify({ ...head, reason: 'as another has it' }),
      expect: null,
    });
  });
  await gone();
  assert.ok(written > 0);
  const archived = await openArchive(bus, { partitions: 2 }).find(id);
  assert.deepEqual([archived?.head.status, archived?.head.reason], ['failed', 'as another has it']);
});

test('a retry that comes at that moment is told that it comes too late', async (t) => {
  let late: Promise<unknown> = Promise.resolve();
  const { bus, id, gone } = await archivesOne(t, async (other, task) => {
    late = other
      .ask(other.names.api('task', 'retry'), JSON.stringify({ task_id: task, by: 'alice' }), 10_000)
      .then(({ data }) => decodeTrusted(data));
  });
  await gone();
  assert.equal(((await late) as ApiError).error.code, 'gone');
  const { data } = await bus.ask(bus.names.api('task', 'get'), JSON.stringify({ task_id: id }));
  const record = decodeTrusted(data) as TaskRecord;
  assert.deepEqual([record.status, record.steps['a']?.attempt, record.archived_at !== undefined], ['failed', 1, true]);
});
