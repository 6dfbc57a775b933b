// The world in memory under a clock of its own: nothing happens by itself, and what is made to fail fails as JetStream was measured to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import { isBusError } from '../error.ts';
import type { Delivery } from '../port.ts';
import { Broker, type Faults } from './broker.ts';
import { memoryBus } from './bus.ts';
import type { Clock } from './clock.ts';

/** Runs what is due, in the order of time and asking, as long as there is something within the time. */
const handClock = () => {
  let now = 1_000_000;
  let count = 0;
  const due: { at: number; nth: number; act: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    later: (ms, act) => {
      const entry = { at: now + Math.max(0, ms), nth: count++, act };
      due.push(entry);
      return () => {
        const at = due.indexOf(entry);
        if (at >= 0) due.splice(at, 1);
      };
    },
  };
  const run = async (forMs: number): Promise<void> => {
    const end = now + forMs;
    for (;;) {
      // What the last step settled runs before the next.
      await new Promise(setImmediate);
      due.sort((a, b) => a.at - b.at || a.nth - b.nth);
      const next = due[0];
      if (!next || next.at > end) break;
      due.shift();
      now = next.at;
      next.act();
    }
    now = end;
  };
  return { clock, run };
};

const world = (faults: Faults = {}) => {
  const { clock, run } = handClock();
  const broker = new Broker({ clock, faults });
  return { broker, run, bus: memoryBus(broker), other: memoryBus(broker) };
};

test('a publish whose answer is lost is asked again, and heard to be said already', async () => {
  let lost = 0;
  const { bus, run, broker } = world({ onRequest: () => (lost++ === 0 ? 'unanswered' : undefined) });
  const said = bus.once({ subject: bus.names.event(0, 'a', 'submitted', 't'), data: '' });
  await run(limits.requestTimeoutMs + 10);
  assert.deepEqual([await said, broker.streams.get(bus.names.streams.events)?.last], [{ seq: 0, again: true }, 1]);
});

test('a change whose answer is lost is known for our own; another one is not', async () => {
  let lost = 0;
  const { bus, other, run } = world({
    onRequest: (what) => (what === 'set a' && lost++ === 0 ? 'unanswered' : undefined),
  });
  const set = bus.store(bus.names.buckets.tasks).set({ key: 'a', data: '1', expect: 0 });
  await run(limits.requestTimeoutMs + 10);
  assert.equal(await set, 1);
  lost = 0;
  const second = bus.store(bus.names.buckets.tasks).set({ key: 'a', data: '2', expect: 1 });
  await run(10);
  const third = other.store(bus.names.buckets.tasks).set({ key: 'a', data: '3', expect: 2 });
  const refused = assert.rejects(second, (error) => isBusError(error, 'conflict'));
  await run(limits.requestTimeoutMs + 10);
  await refused;
  assert.equal(await third, 3);
});

test('a server that stays away makes a publish fail in the end, and not before', async () => {
  const { bus, run, broker } = world();
  broker.down();
  let failed = false;
  const said = bus.once({ subject: bus.names.event(0, 'a', 'submitted', 't'), data: '' });
  said.catch(() => (failed = true));
  await run(limits.publishTimeoutMs - 100);
  assert.equal(failed, false);
  await run(200);
  await assert.rejects(said, (error) => isBusError(error, 'unavailable'));
});

test('an order that is lost on its way comes again by silence; one that comes twice comes twice', async () => {
  let fault: 'lost' | 'twice' | undefined = 'lost';
  const { bus, run } = world({ onDelivery: () => fault });
  const heard: Delivery[] = [];
  await Promise.all([
    bus.takeOrders('executor', 4, (delivery) => heard.push(delivery)),
    bus.once({ subject: bus.names.order('executor', 'a', 's', 1), data: '' }),
    run(1_000),
  ]);
  assert.equal(heard.length, 0);
  fault = 'twice';
  await run(limits.ackWaitMs);
  assert.deepEqual(
    heard.map(({ deliveries }) => deliveries),
    [2, 2],
  );
});

test('an acknowledgement that the server forgot brings the order again', async () => {
  let forgotten = 0;
  const { bus, run } = world({ onAck: () => (forgotten++ === 0 ? 'forgotten' : undefined) });
  const heard: number[] = [];
  await Promise.all([
    bus.takeOrders('executor', 4, (delivery) => {
      heard.push(delivery.deliveries);
      void delivery.ack();
    }),
    bus.once({ subject: bus.names.order('executor', 'a', 's', 1), data: '' }),
    run(3 * limits.ackWaitMs),
  ]);
  assert.deepEqual(heard, [1, 2]);
});

test('of a process that crashed nothing more is heard, and nothing reaches it', async () => {
  const { bus, other, run } = world();
  const heard: string[] = [];
  await Promise.all([
    bus.takeOrders('executor', 4, () => heard.push('order')),
    bus.log(bus.names.streams.events).read({ after: 0, on: () => heard.push('event') }),
    run(500),
  ]);
  bus.listen(bus.names.cancels, () => heard.push('cancel'));
  const unheard = bus
    .once({ subject: bus.names.event(0, 'b', 'submitted', 't'), data: '' })
    .then(() => heard.push('said'));
  bus.crash();
  other.tell(bus.names.cancel('a', 's'), '');
  await Promise.all([
    other.once({ subject: other.names.order('executor', 'a', 's', 1), data: '' }),
    other.once({ subject: other.names.event(0, 'a', 'submitted', 't'), data: '' }),
    run(1_000),
  ]);
  assert.deepEqual(heard, []);
  void unheard;
  const taken: number[] = [];
  await Promise.all([
    other.takeOrders('executor', 4, (delivery) => {
      taken.push(delivery.deliveries);
      void delivery.ack();
    }),
    run(limits.ackWaitMs + 1_000),
  ]);
  assert.deepEqual(taken, [1]);
});

test('a log that loses its end tells its readers, who go on with what comes', async () => {
  const { bus, run, broker } = world();
  const say = (n: number) => bus.once({ subject: bus.names.event(0, `task-${n}`, 'submitted', 't'), data: '' });
  const heard: string[] = [];
  await Promise.all([
    bus.log(bus.names.streams.events).read({
      after: 0,
      on: ({ seq }) => heard.push(String(seq)),
      onRollback: ({ last, after }) => heard.push(`lost ${last} ${after}`),
    }),
    run(100),
  ]);
  await Promise.all([say(1), say(2), say(3), run(100)]);
  broker.streams.get(bus.names.streams.events)?.truncate(1);
  await Promise.all([say(4), run(100)]);
  assert.deepEqual(heard, ['1', '2', '3', 'lost 1 3', '2']);
});
