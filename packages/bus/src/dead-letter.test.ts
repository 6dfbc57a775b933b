// Dead letters: the original bytes, headers that can't hurt, once, and redriven once.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Burial, bury, printable, unprintable } from './dead-letter.ts';
import { drop, listLetters, readLetter, redrive } from './dead-letters.ts';
import { isBusError } from './error.ts';
import type { Bus, Delivery } from './port.ts';
import { Heard, inBothWorlds, text } from './worlds.ts';

const noStep = { by: 'alice', step: () => Promise.reject(new Error('no step')) };
const burial = (bus: Bus, seq: number, more: Partial<Burial> = {}): Burial => ({
  source: 'coordinator',
  reason: 'malformed',
  error: 'The body is not JSON.',
  message: { subject: bus.names.submit('acme'), data: `{"n":${seq}`, stream: bus.names.streams.tasks, seq, at: 1_000 },
  ...more,
});

inBothWorlds('a message is buried as it came, once, whoever buries it', {}, async (world, bus) => {
  const body = Buffer.from([0x7b, 0x00, 0xff, 0x0d, 0x0a]);
  const client = await world.connect();
  client.tell(bus.names.submit('acme'), body, { traceparent: '00-a-b-01' });
  const heard = new Heard<Delivery>();
  await bus.takeTasks(heard.add);
  const [message] = (await heard.count(1)) as [Delivery];
  const said = burial(bus, 0, {
    message: Object.assign(message, { stream: bus.names.streams.tasks }),
    attempts: 2,
    task: 'task-1',
  });
  const first = await bury(bus, said);
  const second = await bury(client, { ...said, at: Date.now() + 60_000 });
  assert.match(first.id, /^[0-9a-f]{20}$/);
  assert.deepEqual([second.id, second.again, first.again], [first.id, true, false]);
  const stored = await bus.log(bus.names.streams.dlq).at(1);
  assert.equal(stored?.subject, bus.names.dlq('coordinator', 'malformed', first.id));
  assert.ok(body.equals(stored?.data ?? Buffer.of()));
  const found = await readLetter(bus, first.id);
  assert.deepEqual(found?.letter, {
    id: first.id,
    seq: 1,
    reason: 'malformed',
    error: 'The body is not JSON.',
    source: 'coordinator',
    at: found?.letter.at,
    attempts: 2,
    subject: bus.names.submit('acme'),
    stream: bus.names.streams.tasks,
    stream_seq: 1,
    task_id: 'task-1',
    step_id: null,
    sha256: createHash('sha256').update(body).digest('hex'),
    hint: `Mend the cause, then: capstan dlq redrive ${first.id}`,
    size: 5,
    state: 'open',
  });
  assert.deepEqual(found?.headers, { traceparent: '00-a-b-01' });
});

inBothWorlds('hostile headers are kept as text, and the server obeys none of them', {}, async (_, bus) => {
  await bury(bus, burial(bus, 1));
  const hostile: [string, string][] = [
    ['Nats-Rollup', 'all'],
    ['Nats-Msg-Id', 'squat'],
    ['Nats-Expected-Last-Sequence', '99'],
    ['Nats-TTL', '1s'],
    ['Nats-Schedule', '@at 2020-01-01T00:00:00Z'],
    ['X: a\r\nNats-Rollup', 'all'],
    ['X-Break', 'a\r\nNats-Rollup: all\r\n\r\nbody'],
    ['é name', 'ü\0'],
    ['', 'empty'],
    ['X-Long', 'x'.repeat(10_000)],
    ...Array.from({ length: 1_000 }, (_, n): [string, string] => [`X-${n}`, 'y'.repeat(400)]),
  ];
  const error = `broke\r\nNats-Rollup: all\r\n\0é${'z'.repeat(2_000)}`;
  const { id } = await bury(
    bus,
    burial(bus, 2, { error, task: 'a\r\nb', message: { ...burial(bus, 2).message, headers: () => hostile } }),
  );
  const log = bus.log(bus.names.streams.dlq);
  assert.equal((await log.info()).messages, 2);
  const stored = await log.at(2);
  // `once` itself says this one.
  const headers = (stored?.headers() ?? []).filter(([name]) => name !== 'Nats-Expected-Last-Subject-Sequence');
  assert.ok(
    headers.every(([name, value]) => name.startsWith('Dlq-') && /^[\x20-\x7e]*$/.test(value) && value.length <= 512),
  );
  assert.ok(headers.length < 50);
  assert.equal(stored?.header('Dlq-Header-Nats-Rollup'), 'all');
  const found = await readLetter(bus, id);
  assert.ok(found?.letter.error.startsWith('broke\r\nNats-Rollup: all\r\n\0éz'));
  assert.equal(found?.letter.task_id, 'a\r\nb');
  assert.ok(!Object.keys(found?.headers ?? {}).some((name) => /^nats-/i.test(name)));
});

inBothWorlds('a body that does not fit beside its headers goes to the object store', {}, async (_, bus) => {
  const data = Buffer.alloc(1_048_576 - 100, 'a');
  const message = { ...burial(bus, 7).message, data };
  const { id } = await bury(bus, burial(bus, 7, { reason: 'too_large', message }));
  assert.equal((await bury(bus, burial(bus, 7, { reason: 'too_large', message }))).again, true);
  const stored = await bus.log(bus.names.streams.dlq).at(1);
  assert.equal(stored?.header('Dlq-Ref'), `${bus.names.buckets.artifacts}/_dlq/${id}`);
  const found = await readLetter(bus, id);
  assert.ok(data.equals(found?.data ?? Buffer.of()));
  assert.equal(found?.letter.size, data.length);
});

inBothWorlds('they are listed from the newest, in pages, by what is asked for', {}, async (_, bus) => {
  const ids: string[] = [];
  for (let seq = 1; seq <= 12; seq++)
    ids.push(
      (await bury(bus, burial(bus, seq, { reason: seq % 3 ? 'malformed' : 'conflict', task: `task-${seq % 2}` }))).id,
    );
  await drop(bus, ids[11] as string, 'alice');
  const page = await listLetters(bus, { limit: 5 });
  assert.deepEqual(
    page.letters.map(({ id }) => id),
    ids.slice(7).reverse(),
  );
  assert.equal(page.letters[0]?.state, 'dropped');
  const next = await listLetters(bus, { limit: 50, before: page.next as number });
  assert.deepEqual([next.letters.map(({ id }) => id), next.next], [ids.slice(0, 7).reverse(), null]);
  assert.equal((await listLetters(bus, { reason: 'conflict' })).letters.length, 4);
  assert.equal((await listLetters(bus, { task: 'task-1' })).letters.length, 6);
  assert.equal((await listLetters(bus, { state: 'open' })).letters.length, 11);
  assert.equal((await listLetters(bus, { source: 'executor' })).letters.length, 0);
});

inBothWorlds(
  'redriving publishes the original bytes to the original subject, once, however often and by whomever it is asked',
  {},
  async (world, bus) => {
    const { id } = await bury(
      bus,
      burial(bus, 1, {
        message: {
          ...burial(bus, 1).message,
          headers: () => [
            ['X-A', '1'],
            ['Nats-Rollup', 'all'],
          ],
        },
      }),
    );
    const heard = new Heard<Delivery>();
    const told = new Heard<string>();
    const other = await world.connect();
    bus.listen(bus.names.submit('*'), ({ data }) => told.add(text(data)));
    const all = await Promise.all([bus, other, bus].map((one) => redrive(one, id, noStep)));
    assert.equal(all.filter((closed) => closed?.again === false).length, 1);
    assert.deepEqual(
      [(await redrive(other, id, noStep))?.again, (await readLetter(bus, id))?.letter.state],
      [true, 'redriven'],
    );
    await bus.takeTasks((delivery) => {
      heard.add(delivery);
      void delivery.ack();
    });
    const [message] = await heard.count(1);
    assert.deepEqual(
      [message?.subject, text(message?.data ?? Buffer.of()), message?.header('X-A'), message?.header('Dlq-Redrive')],
      [bus.names.submit('acme'), '{"n":1', '1', id],
    );
    const heardBefore = told.all.length;
    await redrive(bus, id, noStep);
    await assert.rejects(heard.count(2, 300));
    assert.equal(told.all.length, heardBefore);
    await assert.rejects(drop(bus, id, 'bob'), (error) => isBusError(error, 'conflict'));
  },
);

inBothWorlds('what was dropped is not redriven, and what nobody knows is not found', {}, async (_, bus) => {
  const { id } = await bury(bus, burial(bus, 1));
  assert.deepEqual([(await drop(bus, id, 'alice'))?.again, (await drop(bus, id, 'alice'))?.again], [false, true]);
  await assert.rejects(redrive(bus, id, noStep), (error) => isBusError(error, 'conflict'));
  assert.equal((await bus.log(bus.names.streams.tasks).info()).last, 0);
  for (const unknown of ['0'.repeat(20), '*', '', `closed-${id}`, '>'])
    assert.deepEqual(
      [await redrive(bus, unknown, noStep), await drop(bus, unknown, 'a'), await readLetter(bus, unknown)],
      [null, null, null],
    );
});

inBothWorlds(
  'a step is redriven by its event; a crash before that leaves it to the next who asks',
  {},
  async (_, bus) => {
    const message = { subject: bus.names.order('executor', 'task', 'unit', 3), data: '{}' };
    const { id } = await bury(
      bus,
      burial(bus, 0, { reason: 'retries_exhausted', message, identity: 'task.unit.3', task: 'task', step: 'unit' }),
    );
    const refused = { by: 'alice', step: () => Promise.reject(new Error('its task is gone')) };
    await assert.rejects(redrive(bus, id, refused), /its task is gone/);
    assert.equal((await readLetter(bus, id))?.letter.state, 'open', 'what can not be sent is not marked as sent');
    const crash = { by: 'alice', step: async () => () => Promise.reject(new Error('crash')) };
    await assert.rejects(redrive(bus, id, crash), /crash/);
    const said: string[] = [];
    const step = async (letter: { id: string; step_id: string | null }) => async () =>
      void said.push(`${letter.id} ${letter.step_id}`);
    assert.equal((await redrive(bus, id, { by: 'bob', step }))?.again, true);
    assert.equal((await redrive(bus, id, { by: 'bob', step }))?.again, true);
    assert.equal((await redrive(bus, id, refused))?.again, true, 'it is on its way, whatever its task became since');
    assert.deepEqual(said, [`${id} unit`]);
  },
);

inBothWorlds('a forged letter does not make us speak elsewhere than at the plain door', {}, async (_, bus) => {
  for (const subject of [
    bus.names.event(1, 'task', 'submitted', 'x'),
    '$KV.capstan_tasks.a',
    `${bus.names.submit()}.a.b`,
    `${bus.names.submit()}.*`,
  ]) {
    const { id } = await bury(bus, burial(bus, 1, { identity: subject, message: { subject, data: '{}' } }));
    await assert.rejects(redrive(bus, id, noStep), (error) => isBusError(error, 'conflict'));
    assert.equal((await readLetter(bus, id))?.letter.state, 'open');
  }
});

test('any text becomes printable and back', () => {
  for (const sample of ['plain text', '100 %41', ' edges ', 'a\r\nb\0', 'é😀', ''])
    assert.equal(unprintable(printable(sample)), sample);
  assert.equal(printable('a b%é\n'), 'a b%25%C3%A9%0A');
  assert.ok(printable('😀'.repeat(1_000)).length <= 512);
});
