// Law 1: every durable message has a name, and while the name is remembered it is accepted once.
import assert from 'node:assert/strict';
import { isBusError } from './error.ts';
import type { Bus } from './port.ts';
import { inBothWorlds, text } from './worlds.ts';

const event = (bus: Bus, n: number) => ({
  subject: bus.names.event(1, `task-${n}`, 'submitted', 'token'),
  data: `{"n":${n}}`,
});

inBothWorlds('a name is accepted once, whoever says it and with whatever body', {}, async (world, bus) => {
  const other = await world.connect();
  assert.deepEqual(await bus.once(event(bus, 1)), { seq: 1, again: false });
  assert.deepEqual(await bus.once(event(bus, 1)), { seq: 0, again: true });
  assert.deepEqual(await other.once({ ...event(bus, 1), data: 'another' }), { seq: 0, again: true });
  assert.deepEqual(await other.once(event(bus, 2)), { seq: 2, again: false });
  const log = bus.log(bus.names.streams.events);
  assert.equal(text((await log.at(1))?.data ?? Buffer.of()), '{"n":1}');
  assert.equal((await log.info()).messages, 2);
});

inBothWorlds('of many who say the same names at once, each name is taken from one', {}, async (world, bus) => {
  const buses = [bus, await world.connect(), await world.connect()];
  const said = await Promise.all(
    buses.flatMap((one) => Array.from({ length: 300 }, (_, n) => one.once(event(bus, n)))),
  );
  assert.equal(said.filter(({ again }) => !again).length, 300);
  assert.equal((await bus.log(bus.names.streams.events).info()).last, 300);
});

inBothWorlds('headers travel; what would break out of one is refused', {}, async (_, bus) => {
  await bus.once({ ...event(bus, 1), headers: { traceparent: '00-abc-def-01', 'X-Text': 'é: 1' } });
  const message = await bus.log(bus.names.streams.events).at(1);
  assert.equal(message?.header('Traceparent'), '00-abc-def-01');
  assert.equal(message?.header('X-Text'), 'é: 1');
  for (const headers of [
    { 'X-A': 'a\r\nNats-Rollup: all' },
    { 'X-A\r\nB': 'a' },
    { 'X A': 'a' },
    { 'X:A': 'a' },
    { '': 'a' },
  ])
    await assert.rejects(async () => bus.once({ ...event(bus, 2), headers }), TypeError);
});

inBothWorlds('what is appended is stored each time; with an id, once', {}, async (_, bus) => {
  const line = { subject: bus.names.log('task', 'step'), data: '{}' };
  assert.deepEqual(
    [await bus.append(line), await bus.append(line)],
    [
      { seq: 1, again: false },
      { seq: 2, again: false },
    ],
  );
  const named = { ...line, headers: { 'Nats-Msg-Id': 'one' } };
  assert.deepEqual(await bus.append(named), { seq: 3, again: false });
  assert.deepEqual(await bus.append(named), { seq: 3, again: true });
  assert.equal((await bus.log(bus.names.streams.logs).info()).messages, 3);
});

inBothWorlds('what is larger than the server takes is said to be', {}, async (_, bus) => {
  await assert.rejects(bus.once({ ...event(bus, 1), data: Buffer.alloc(1_048_577) }), (error) =>
    isBusError(error, 'too_large'),
  );
  assert.equal((await bus.once({ ...event(bus, 1), data: Buffer.alloc(900_000) })).seq, 1);
});

inBothWorlds('a stream that is full says so', { dlqBytesMax: 20_000 }, async (_, bus) => {
  const letter = (n: number) => ({ subject: bus.names.dlq('a', 'internal', String(n)), data: Buffer.alloc(9_000) });
  await bus.once(letter(1));
  await bus.once(letter(2));
  await assert.rejects(bus.once(letter(3)), (error) => isBusError(error, 'full'));
});

inBothWorlds('closing waits for what is being said', {}, async (world, bus) => {
  const other = await world.connect();
  const said = Array.from({ length: 500 }, (_, n) => other.once(event(bus, n)));
  await other.close();
  assert.equal((await Promise.all(said)).filter(({ again }) => !again).length, 500);
  assert.equal(await other.closed, undefined);
  assert.equal(other.connected(), false);
  await assert.rejects(other.once(event(bus, 1)), (error) => isBusError(error, 'unavailable'));
});

for (const strict of [false, true])
  inBothWorlds(
    `a name may be taken by any other of its kind${strict ? ', in batches too' : ''}`,
    strict ? { strict, batch: { min: 2, max: 500, inflight: 2 } } : {},
    async (_, bus) => {
      const under = (task: string, token: string) => ({
        subject: bus.names.event(1, task, 'submitted', token),
        data: '{}',
        unless: bus.names.event(1, task, 'submitted', '*'),
      });
      const said = await Promise.all([
        bus.once(under('a', 'old')),
        bus.once(under('b', 'old')),
        bus.once(under('c', 'old')),
      ]);
      assert.deepEqual(
        said.map(({ again }) => again),
        [false, false, false],
      );
      const again = await Promise.all([
        bus.once(under('a', 'new')),
        bus.once(under('b', 'old')),
        bus.once(under('d', 'new')),
      ]);
      assert.deepEqual(
        again.map((one) => one.again),
        [true, true, false],
      );
      assert.equal((await bus.log(bus.names.streams.events).info()).messages, 4);
    },
  );
