// What a schedule wants cancelled may be gone, or not there yet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, keyRingOf, memoryBus, newKeys, partitionOf } from '@capstan/bus';
import type { Alarms } from '../alarms.ts';
import type { Admit } from '../doors/admit.ts';
import { Refusal } from '../doors/refusal.ts';
import { saySubmitted } from '../say-submitted.ts';
import type { World } from '../world.ts';
import type { Hosted } from './host.ts';
import { actorPerformer } from './perform.ts';

const fixture = (admit: (world: World) => Admit) => {
  const bus = memoryBus(new Broker());
  const ring = keyRingOf(newKeys());
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const world = {
    ...{
      bus,
      names: bus.names,
      ring,
      partitions: 8,
      membership: { term: 0 },
      archive: { mayHaveAlone: () => false },
      log,
      fatal: assert.ifError,
    },
    clock: { now: () => 0, later: (_: number, act: () => void) => (setImmediate(act), () => {}) },
  } as unknown as World;
  const { perform } = actorPerformer({
    ...{ world, admit: admit(world), shown: () => {} },
    alarms: {} as Alarms,
  });
  const actor = { id: '_schedule-s', unsaid: 0 } as unknown as Hosted;
  const said = async (): Promise<void> => {
    while (actor.unsaid > 0) await new Promise((resolve) => setImmediate(resolve));
  };
  return { bus, world, actor, perform, said };
};

const submit = { kind: 'submit', due: 1, request: { task_id: 't' } } as const;
const cancel = { kind: 'cancel', task: 't', id: 'c', reason: 'the next one is due' } as const;

test('what was refused needs no cancel, and holds nothing up', async () => {
  const { bus, world, actor, perform, said } = fixture(() => async () => {
    throw new Refusal('quota', 'No room.');
  });
  perform(actor, [submit, cancel]);
  await said();
  const events = bus.log(world.names.streams.events);
  assert.equal(
    await events.last(world.names.event(partitionOf('t', world.partitions), 't', 'commanded', '*', '*')),
    null,
  );
  await bus.close();
});

test('what is on its way is cancelled once it is there', async () => {
  const letIn = Promise.withResolvers<void>();
  const { bus, world, actor, perform, said } = fixture((of) => async () => {
    await letIn.promise;
    const body = { v: 1, key: of.ring.current } as Parameters<typeof saySubmitted>[2];
    const { seq } = await saySubmitted(of, 't', body);
    return { task_id: 't', status: 'running', created: true, warnings: [], seq };
  });
  perform(actor, [submit, cancel]);
  await new Promise((resolve) => setImmediate(resolve));
  letIn.resolve();
  await said();
  const all: string[] = [];
  for (const kind of ['submitted', 'commanded']) {
    const subject = `${world.names.event(partitionOf('t', world.partitions), 't', kind)}.>`;
    if ((await bus.log(world.names.streams.events).last(subject)) !== null) all.push(kind);
  }
  assert.deepEqual(all, ['submitted', 'commanded']);
  await bus.close();
});
