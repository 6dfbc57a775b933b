// What only a real server shows: who may connect, what a stranger can send, batches, and a log that lost its end.
import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type MsgHdrs, connect as rawConnect } from 'nats';
import { isBusError } from '../error.ts';
import type { Message, Wire } from '../port.ts';
import { startNatsServer } from '../testing.ts';
import { Heard, text } from '../worlds.ts';
import { connect, strictBatching } from './connect.ts';
import { prepare } from './prepare.ts';

test('no server, or wrong credentials, is said in one sentence', async () => {
  const started = Date.now();
  await assert.rejects(
    connect({ url: 'nats://127.0.0.1:1', waitMs: 600 }),
    (error) => isBusError(error, 'unavailable') && /No NATS server answers at nats:\/\/127/.test(error.message),
  );
  assert.ok(Date.now() - started >= 600);
  await using server = await startNatsServer({ config: 'authorization { user: a, password: b }' });
  await assert.rejects(connect({ url: server.url, user: 'a', password: 'wrong', waitMs: 5_000 }), (error) =>
    isBusError(error, 'forbidden'),
  );
  await (await connect({ url: server.url, user: 'a', password: 'b' })).close();
});

test('a server that starts late is waited for', async () => {
  await using server = await startNatsServer();
  await server.kill();
  const connecting = connect({ url: server.url, waitMs: 20_000 });
  await server.start();
  await (await connecting).close();
});

test('what a user may not publish fails at once, and does not hold up the rest', async () => {
  const permissions = 'publish: { allow: ["$JS.API.>", "$KV.>", "capstan.order.>"] }, subscribe: ">"';
  await using server = await startNatsServer({
    config: `accounts { A { jetstream: enabled, users: [{user: admin, password: x}, {user: some, password: x, permissions: {${permissions}}}] } }`,
  });
  await using admin = await connect({ url: server.url, user: 'admin', password: 'x', warn: () => {} });
  await prepare(admin);
  const warnings: string[] = [];
  await using bus = await connect({
    url: server.url,
    user: 'some',
    password: 'x',
    warn: (warning) => warnings.push(warning),
  });
  const [event, order] = await Promise.allSettled([
    bus.once({ subject: bus.names.event(1, 'task', 'submitted', 't'), data: '' }),
    bus.once({ subject: bus.names.order('executor', 'task', 'step', 1), data: '' }),
  ]);
  assert.ok(event.status === 'rejected' && isBusError(event.reason, 'forbidden'));
  assert.equal(order.status, 'fulfilled');
  assert.ok(warnings.some((warning) => /Permissions Violation/i.test(warning)));
});

test('headers that no client library would send stop neither a reader nor the connection', async () => {
  await using server = await startNatsServer();
  await using bus = await connect({ url: server.url, warn: () => {} });
  await prepare(bus);
  const stranger = await rawConnect({ servers: server.url });
  const send = (bytes: string) =>
    stranger.publish(bus.names.submit(), '{}', {
      headers: { encode: () => Buffer.from(bytes, 'latin1') } as unknown as MsgHdrs,
    });
  for (const bytes of [
    'NATS/1.0\r\nno colon here\r\n\r\n',
    'NATS/1.0\r\n\x00\xff é: ü\xff\r\nOk: 1\r\n\r\n',
    'NATS/1.0 503 No Responders\r\n\r\n',
    'NATS/1.0\r\n: empty\r\n\r\n',
    'NATS/1.0\r\nA b: c\r\n(x): y\r\n\r\n',
  ])
    send(bytes);
  const heard = new Heard<Message>();
  await bus.takeTasks(heard.add);
  const [, second] = await heard.count(5);
  for (const message of heard.all) message.headers();
  assert.equal(second?.header('Ok'), '1');
  await bus.once({ subject: bus.names.order('q', 't', 's', 1), data: '' });
  await stranger.close();
});

test('a reply that is not to an inbox is not sent', async () => {
  await using server = await startNatsServer();
  const warnings: string[] = [];
  await using bus = await connect({ url: server.url, warn: (warning) => warnings.push(warning) });
  await prepare(bus);
  const asked = new Heard<string>();
  await bus.serve({
    name: 'capstan',
    version: '0.1.0',
    description: '',
    endpoints: [
      {
        name: 'task',
        subject: bus.names.api('task', 'get'),
        on: async ({ reply }: Wire) => (asked.add(reply ?? ''), { data: 'in our name' }),
      },
    ],
  });
  const stranger = await rawConnect({ servers: server.url });
  const forged = bus.names.order('executor', 'task', 'step', 1);
  for (const reply of [
    forged,
    '$KV.capstan_tasks.a',
    bus.names.api('task', 'get'),
    '_INBOXES.a',
    '$JS.API.STREAM.DELETE.CAPSTAN_EVENTS',
  ])
    stranger.publish(bus.names.api('task', 'get'), '', { reply });
  assert.equal(text((await bus.ask(bus.names.api('task', 'get'), '')).data), 'in our name');
  assert.equal(asked.all.length, 1);
  assert.equal(warnings.length, 5);
  assert.equal((await bus.log(bus.names.streams.orders).info()).messages, 0);
  // The server itself acknowledges to any subject; the plain door's users belong in an account of their own.
  const info = JSON.parse(text((await bus.ask('$SRV.INFO.capstan', '')).data)) as { endpoints: { subject: string }[] };
  assert.equal(info.endpoints[0]?.subject, bus.names.api('task', 'get'));
  await stranger.close();
});

test('what is due together goes together where every message is synced, and a taken name costs the others nothing', async () => {
  await using server = await startNatsServer({ strict: true });
  await using bus = await connect({ url: server.url, batch: strictBatching, warn: () => {} });
  await prepare(bus);
  const event = (n: number) => ({
    subject: bus.names.event(0, `task-${n}`, 'submitted', 't'),
    data: String(n),
    headers: { 'X-N': String(n) },
  });
  await bus.once(event(700));
  const said = await Promise.all(Array.from({ length: 1_200 }, (_, n) => bus.once(event(n))));
  assert.equal(said.filter(({ again }) => again).length, 1);
  assert.equal(said[700]?.again, true);
  const log = bus.log(bus.names.streams.events);
  assert.equal((await log.info()).last, 1_200);
  for (const n of [0, 499, 500, 1_199]) assert.equal((await log.at(said[n]?.seq ?? 0))?.header('X-N'), String(n));
  const twice = await Promise.all([...Array(20).keys(), ...Array(20).keys()].map((n) => bus.once(event(2_000 + n))));
  assert.equal(twice.filter(({ again }) => again).length, 20);
  assert.equal((await log.info()).last, 1_220);
  // One message together with an oversize one.
  const mixed = await Promise.allSettled(
    [...Array(10).keys()].map((n) => bus.once({ ...event(3_000 + n), data: n === 5 ? Buffer.alloc(2_000_000) : 'x' })),
  );
  assert.deepEqual(
    mixed.map(({ status }) => status === 'fulfilled'),
    [true, true, true, true, true, false, true, true, true, true],
  );
});

test('a log that lost its end is noticed, and read on by time', async () => {
  await using server = await startNatsServer();
  const warnings: string[] = [];
  await using bus = await connect({ url: server.url, warn: (warning) => warnings.push(warning) });
  await prepare(bus);
  const say = (n: number) => bus.once({ subject: bus.names.event(0, `task-${n}`, 'submitted', 't'), data: '' });
  for (let n = 0; n < 10; n++) await say(n);
  await server.kill();
  await cp(join(server.dir, 'data'), join(server.dir, 'backup'), { recursive: true });
  await server.start();
  const heard = new Heard<Message>();
  const lost = new Heard<{ last: number; after: number }>();
  const log = bus.log(bus.names.streams.events);
  await log.read({ after: 0, on: heard.add, onRollback: lost.add });
  for (let n = 10; n < 20; n++) await say(n);
  await heard.count(20);
  await server.kill();
  await rm(join(server.dir, 'data'), { recursive: true });
  await cp(join(server.dir, 'backup'), join(server.dir, 'data'), { recursive: true });
  await server.start();
  await lost.count(1);
  assert.deepEqual(lost.all, [{ last: 10, after: 20 }]);
  await say(30);
  const last = (await heard.count(21))[20];
  assert.deepEqual([last?.seq, last?.subject], [11, bus.names.event(0, 'task-30', 'submitted', 't')]);
  assert.ok(warnings.some((warning) => /ends at 10, but was read up to 20/.test(warning)));
  // The same is noticed by whoever starts from a checkpoint.
  const checkpoint = new Heard<{ last: number; after: number }>();
  await log.read({ after: 5, since: 1, on: () => {}, onRollback: checkpoint.add });
  await checkpoint.count(1);
  const at5 = (await log.at(5))?.at as number;
  const right = new Heard<number>();
  await log.read({ after: 5, since: at5, on: ({ seq }) => right.add(seq), onRollback: checkpoint.add });
  assert.deepEqual(await right.count(6), [6, 7, 8, 9, 10, 11]);
  assert.equal(checkpoint.all.length, 1);
});
