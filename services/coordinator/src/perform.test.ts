// What is still being looked at when a task is dropped from memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, BusError, memoryBus } from '@capstan/bus';
import type { Actor } from './actor.ts';
import type { Alarms } from './alarms.ts';
import type { Broker as Brokerage } from './broker.ts';
import { performer } from './perform.ts';
import type { Turnstile } from './turnstile.ts';
import type { World } from './world.ts';

const opened = (t: { after(act: () => void): void }) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  const looks = Promise.withResolvers<void>();
  const rings: (() => void)[] = [];
  let tries = 0;
  const world = {
    ...{ names: bus.names, membership: { term: 0 }, fatal: assert.ifError },
    clock: { now: () => 1_000, later: (_: number, act: () => void) => (queueMicrotask(act), () => {}) },
    log: { warn: () => {} },
    bus: {
      ...bus,
      log: () => ({ last: async () => ({ seq: 5, subject: bus.names.order('workers', 't', 'a', 1) }) }),
      queueInfo: async () => {
        await looks.promise;
        tries += 1;
        if (tries === 1) throw new BusError('unavailable', 'The server did not take it in time.');
        return { delivered: 3 };
      },
    },
  } as unknown as World;
  const nothing = { forget: () => {} };
  const alarms = { ...nothing, set: (...[, , , ring]: Parameters<Alarms['set']>) => rings.push(ring) };
  const { perform, forget } = performer(
    world,
    alarms as unknown as Alarms,
    nothing as unknown as Brokerage,
    { ...nothing, holds: () => false } as unknown as Turnstile,
    { has: () => false, look: async () => [] },
  );
  const actor = { id: 't', key: 'k', state: {} } as unknown as Actor;
  perform(actor, [{ kind: 'wake', n: 1, at: 500, why: 'attempt', step: 'a', attempt: 1 } as never]);
  const decided = async () => {
    rings[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    return {
      answer: async () => {
        looks.resolve();
        await new Promise((resolve) => setImmediate(resolve));
        return rings.length;
      },
    };
  };
  return { decided, forget: () => forget(actor) };
};

test('an order that nobody has yet is looked for again, also where the server was away when it was looked for', async (t) => {
  const { answer } = await opened(t).decided();
  assert.equal(await answer(), 2);
});

test('of a task that was dropped meanwhile no alarm is set: its next owner heard of it', async (t) => {
  const { decided, forget } = opened(t);
  const { answer } = await decided();
  forget();
  assert.equal(await answer(), 1);
});
