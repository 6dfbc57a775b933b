// Processes are killed at any moment, frozen, and doubled, under load. After each run the audit reads what is stored: every task that was
// accepted has ended, every order is stored once, every report counted once, and the bucket is what the log says.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '@capstan/contracts';
import { usualWork } from './support/agent.ts';
import { audit } from './support/audit.ts';
import type { CoordinatorProcess } from './support/coordinator.ts';
import { randomOf, submitMany } from './support/load.ts';
import { newId, startWorld, type World } from './support/world.ts';

const tags = { kind: 'test' };
const loadMs = 90_000;
/** Short, so that what a killed process held comes again soon. */
const ackWaitMs = 3_000;

const mustBeWhole = async (world: World, ids: readonly string[]): Promise<void> => {
  await world.allEnded(ids, loadMs);
  await world.emptied();
  await world.checkpointed(ids);
  await world.quiet();
  const { violations, replay } = await audit(world.bus, ids);
  assert.deepEqual(violations.slice(0, 20), [], `${violations.length} violations`);
  assert.deepEqual([replay.forged.length, replay.orphaned.length, replay.invalid.length], [0, 0, 0]);
};

/** Calls at moments that the log's growth sets: so many times, each some events after the one before. */
const atEvents = async (
  world: World,
  times: number,
  seed: number,
  strike: (nth: number) => Promise<unknown>,
): Promise<void> => {
  const random = randomOf(seed);
  let seq = 0;
  for (let nth = 0; nth < times; nth += 1) {
    seq = Math.max(seq, world.lastEvent()) + 20 + random(120);
    await world.eventAt(seq);
    await strike(nth);
  }
};

describe('nothing is lost and nothing counts twice', { concurrency: 2 }, () => {
  // The longest first: it mostly waits for a membership to end, while the others work.
  test('when a coordinator is frozen for longer than its membership lives, and then goes on', async () => {
    await using world = await startWorld({ agent: false, ackWaitMs, coordinators: 2 });
    await world.agent({ tags, work: usualWork });
    const [frozen, other] = world.coordinators;
    assert.ok(frozen && other);
    const before = submitMany(world, 'before', 60, 8);
    await world.eventAt(200);
    frozen.signal('SIGSTOP');
    const meanwhile = submitMany(world, 'meanwhile', 60, 9);
    await other.logged(
      'that it owns all',
      ({ msg, owned }) => msg === 'partitions changed hands' && owned === limits.partitions,
      40_000,
    );
    await Promise.all([before.accepted, meanwhile.accepted]);
    const after = submitMany(world, 'after', 60, 10);
    await world.eventAt(world.lastEvent() + 100);
    const said = frozen.log.length;
    frozen.signal('SIGCONT');
    await frozen.logged('that it drops what it knew', ({ msg }) => msg.startsWith('out of touch for longer'));
    await frozen.logged(
      'that it takes part again',
      (line) =>
        frozen.log.indexOf(line) >= said && line.msg === 'partitions changed hands' && Number(line['owned']) > 0,
      40_000,
    );
    await other.logged(
      'that it shares again',
      ({ msg, lost }) => msg === 'partitions changed hands' && Number(lost) > 0,
      40_000,
    );
    await after.accepted;
    await mustBeWhole(world, [...before.ids, ...meanwhile.ids, ...after.ids]);
  });

  test('and a task whose owner is silent is not denied', async () => {
    await using world = await startWorld({ agent: false, ackWaitMs });
    await world.agent({ tags, work: usualWork });
    const [real] = world.coordinators;
    // A member that is only a name: half of the partitions are its own, and nobody reads them.
    const members = world.bus.store(world.names.buckets.members);
    await members.set({ key: 'ghost', data: '{"v":1}', expect: null });
    await real?.logged('that it shares', ({ msg, lost }) => msg === 'partitions changed hands' && Number(lost) > 0);
    const load = submitMany(world, 'silent', 12, 21);
    await load.accepted;
    const asked = await Promise.all(load.ids.map((task_id) => world.ask('task.get', { task_id }, 15_000)));
    const codes = new Set(asked.map(({ error }) => error?.code ?? 'found'));
    assert.deepEqual(
      codes,
      new Set(['found', 'unavailable']),
      'who was told that a task is taken is never told that there is none',
    );
    await members.remove('ghost');
    await mustBeWhole(world, load.ids);
  });

  test('when a coordinator is killed again and again', async () => {
    await using world = await startWorld({ agent: false, ackWaitMs });
    await world.agent({ tags, work: usualWork });
    let [current] = world.coordinators as [CoordinatorProcess];
    const load = submitMany(world, 'killed', 200, 1);
    await atEvents(world, 5, 2, async () => {
      await current.kill();
      current = await world.coordinator({ instance: current.instance });
    });
    await load.accepted;
    await mustBeWhole(world, load.ids);
  });

  test('when the server is killed again and again', async () => {
    await using world = await startWorld({ agent: false, ackWaitMs });
    await world.agent({ tags, work: usualWork });
    const load = submitMany(world, 'server', 200, 3);
    await atEvents(world, 4, 4, () => world.server.restart());
    await load.accepted;
    await mustBeWhole(world, load.ids);
  });

  test('when server and coordinator are killed together', async () => {
    await using world = await startWorld({ agent: false, ackWaitMs });
    await world.agent({ tags, work: usualWork });
    let [current] = world.coordinators as [CoordinatorProcess];
    const load = submitMany(world, 'both', 150, 5);
    await atEvents(world, 3, 6, async () => {
      await Promise.all([world.server.kill(), current.kill()]);
      await world.server.start();
      current = await world.coordinator({ instance: current.instance });
    });
    await load.accepted;
    await mustBeWhole(world, load.ids);
  });

  test('when a coordinator joins and another leaves', async () => {
    await using world = await startWorld({ agent: false, ackWaitMs });
    await world.agent({ tags, work: usualWork });
    const [first] = world.coordinators;
    assert.ok(first);
    const before = submitMany(world, 'before', 60, 7);
    await world.eventAt(100);
    const second = await world.coordinator();
    await second.logged(
      'that it owns some',
      ({ msg, owned }) => msg === 'partitions changed hands' && Number(owned) > 0 && Number(owned) < limits.partitions,
    );
    const meanwhile = submitMany(world, 'meanwhile', 100, 8);
    await world.eventAt(world.lastEvent() + 200);
    await first.stop();
    await second.logged(
      'that it owns all',
      ({ msg, owned }) => msg === 'partitions changed hands' && owned === limits.partitions,
    );
    await Promise.all([before.accepted, meanwhile.accepted]);
    await mustBeWhole(world, [...before.ids, ...meanwhile.ids]);
  });

  test('when a coordinator is killed while orders wait for their turn', async () => {
    await using world = await startWorld({ agent: false, ackWaitMs });
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const work = { slow: () => opened.then(() => ({ outcome: 'succeeded' as const })) };
    await world.agent({ concurrency: 1, work });
    const ids = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const { task_id } = await world.submit({ plan: { steps: [{ id: 'a', capability: 'slow' }] } });
        return task_id;
      }),
    );
    // Once nothing in the log brings them up again, only the list of what is open can tell that their orders are still to be said.
    await world.checkpointed(ids);
    const owed = ids.filter((id) => /"owed":true/.test(Buffer.from(world.entries.get(id)?.data ?? []).toString()));
    assert.ok(owed.length > 20, `${owed.length} orders wait for their turn`);
    const [c1] = world.coordinators;
    await c1?.kill();
    await world.coordinator({ instance: 'c1' });
    open();
    await mustBeWhole(world, ids);
  });

  test('when a coordinator is killed while tasks wait for a time or a person', async () => {
    await using world = await startWorld({ agent: false, ackWaitMs });
    await world.agent({ tags, work: usualWork });
    const waits: Record<string, object> = {
      retry: { id: 'a', capability: 'fail', input: { times: 1 }, retry: { initial_delay_ms: 1_500, jitter: 0 } },
      expiry: { id: 'a', capability: 'noop', risk: 'high', approval: { expires_ms: 2_000 } },
      person: { id: 'a', capability: 'noop', risk: 'high' },
      blocked: { id: 'a', capability: 'paint' },
    };
    const tasks = await Promise.all(
      Object.entries(waits).flatMap(([kind, step]) =>
        Array.from({ length: 10 }, async () => {
          const { task_id } = await world.submit({ task_id: newId(kind), plan: { steps: [step as never] } });
          await world.until(task_id, 'it waits', ({ steps }) =>
            /^(retrying|awaiting_approval|blocked)$/.test(steps['a']?.status ?? ''),
          );
          return { kind, task_id };
        }),
      ),
    );
    const deadline = await world.submit({
      task_id: newId('deadline'),
      budget: { wall_ms: 2_500 },
      plan: { steps: [{ id: 'a', capability: 'paint' }] },
    });
    // Only what is stored is known to the next one: its list of what is open, not the log, must bring these up.
    const [c1] = world.coordinators;
    await world.checkpointed([...tasks.map(({ task_id }) => task_id), deadline.task_id]);
    await c1?.kill();
    await world.coordinator({ instance: 'c1' });

    const of = (wanted: string) => tasks.filter(({ kind }) => kind === wanted).map(({ task_id }) => task_id);
    for (const id of of('retry')) {
      const { status, steps } = await world.ended(id);
      const [first, second] = steps['a']?.attempts ?? [];
      assert.deepEqual([status, steps['a']?.attempt], ['succeeded', 2]);
      assert.ok(
        Date.parse(second?.started_at ?? '') - Date.parse(first?.finished_at ?? '') >= 1_500,
        'not before its time',
      );
    }
    for (const id of of('expiry')) assert.equal((await world.ended(id)).steps['a']?.error?.code, 'expired');
    assert.match((await world.ended(deadline.task_id)).reason ?? '', /budget of wall time/);
    for (const id of of('person')) {
      const { interventions } = await world.task(id);
      await world.api('inbox.approve', { id: interventions[0], by: 'alice' });
    }
    await world.agent({ queue: 'painters', instance: 'p1', work: { paint: usualWork.noop } });
    await mustBeWhole(world, [...tasks.map(({ task_id }) => task_id), deadline.task_id]);
  });
});
