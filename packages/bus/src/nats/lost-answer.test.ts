// What was stored, though the answer was lost with the connection: said again, and known for what it is. A proxy stands between, and goes deaf.
import assert from 'node:assert/strict';
import { once as event } from 'node:events';
import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { isBusError } from '../error.ts';
import { startNatsServer } from '../testing.ts';
import { Heard } from '../worlds.ts';
import { call } from './api.ts';
import { connect } from './connect.ts';
import { prepare } from './prepare.ts';

/** Passes on what a client says; what the server says, unless it is deaf. */
const proxyTo = async (port: number) => {
  let deaf = false;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = dial(port, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (data) => server.write(data));
    server.on('data', (data) => !deaf && client.write(data));
  });
  proxy.listen(0, '127.0.0.1');
  await event(proxy, 'listening');
  return {
    url: `nats://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    goDeaf: () => {
      deaf = true;
    },
    /** The connection breaks; the next one is heard. */
    cut: () => {
      for (const socket of sockets) socket.destroy();
      deaf = false;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
};

test('an answer that is lost costs nothing: names, appended lines, revisions and batches come out right', async () => {
  await using server = await startNatsServer();
  await using proxy = await proxyTo(server.port);
  await using observer = await connect({ url: server.url });
  await prepare(observer);
  await using bus = await connect({ url: proxy.url, warn: () => {} });
  const { names } = bus;
  const { tasks } = names.buckets;
  const before = await bus.store(tasks).setAll(['a', 'b', 'c'].map((key) => ({ key, data: '0', expect: 0 })));
  const [a, b, c] = before as [number, number, number];

  const written = new Heard<string>();
  await observer.store(tasks).watch(({ key, revision }) => revision > c && written.add(key));
  proxy.goDeaf();
  const once = bus.once({ subject: names.event(0, 'task', 'submitted', 't'), data: '1' });
  const line = bus.append({ subject: names.log('task', 'step'), data: '1' });
  const set = bus.store(tasks).set({ key: 'a', data: '1', expect: a });
  const setAll = bus.store(tasks).setAll([
    { key: 'b', data: '1', expect: b },
    { key: 'd', data: '1', expect: 0 },
  ]);
  // Somebody else follows our change before we hear of it: then ours is not the newest, and we must not think it is.
  const overtaken = assert.rejects(bus.store(tasks).set({ key: 'c', data: '1', expect: c }), (error) =>
    isBusError(error, 'conflict'),
  );
  await written.count(4);
  const theirs = await observer
    .store(tasks)
    .set({ key: 'c', data: '2', expect: (await observer.store(tasks).get('c'))?.revision ?? 0 });
  proxy.cut();

  assert.deepEqual(await once, { seq: 0, again: true });
  assert.equal((await line).seq, 1);
  assert.equal((await observer.log(names.streams.logs).info()).messages, 1);
  assert.equal(await set, (await observer.store(tasks).get('a'))?.revision);
  const revisions = await Promise.all(['b', 'd'].map(async (key) => (await observer.store(tasks).get(key))?.revision));
  assert.deepEqual(await setAll, revisions);
  await overtaken;
  assert.equal((await observer.store(tasks).get('c'))?.revision, theirs);
});

test('a task that is brought to the plain door is stored once, though the answer is lost and it is asked again', async () => {
  await using server = await startNatsServer();
  await using proxy = await proxyTo(server.port);
  await using observer = await connect({ url: server.url });
  await prepare(observer);
  await using bus = await connect({ url: proxy.url, warn: () => {} });
  const brought = new Heard<string>();
  observer.listen(observer.names.submit(), ({ subject }) => brought.add(subject));
  await observer.ask('nobody', '').catch(() => {});
  proxy.goDeaf();
  const answer = bus.ask(bus.names.submit(), '{"title":"a"}', 30_000);
  await brought.count(1);
  proxy.cut();
  assert.deepEqual(JSON.parse(Buffer.from((await answer).data).toString()), {
    stream: bus.names.streams.tasks,
    seq: 1,
    duplicate: true,
  });
  assert.equal((await observer.log(observer.names.streams.tasks).info()).messages, 1);
});

test('an acknowledgement whose answer is lost is said again', async () => {
  await using server = await startNatsServer();
  await using proxy = await proxyTo(server.port);
  await using observer = await connect({ url: server.url });
  await prepare(observer);
  await using agent = await connect({ url: proxy.url, warn: () => {} });
  const acknowledged = new Heard<number>();
  await agent.takeOrders('executor', 4, (delivery) => {
    proxy.goDeaf();
    delivery.ack().then(() => acknowledged.add(delivery.deliveries), assert.fail);
    setTimeout(proxy.cut, 50);
  });
  await observer.once({ subject: observer.names.order('executor', 'a', 's', 1), data: '' });
  assert.deepEqual(await acknowledged.count(1), [1]);
  assert.equal((await observer.queueInfo('executor'))?.floor, 1);
});

test('a reader whose consumer starts over in the server hands nothing out twice', async () => {
  await using server = await startNatsServer();
  await using bus = await connect({ url: server.url, warn: () => {} });
  await prepare(bus);
  const stream = bus.names.streams.events;
  const say = (from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, n) =>
        bus.once({ subject: bus.names.event(0, `task-${from + n}`, 'submitted', 't'), data: '' }),
      ),
    );
  await say(0, 50);
  const heard = new Heard<number>();
  await bus.log(stream).read({ after: 0, on: ({ seq }) => heard.add(seq) });
  await heard.count(50);
  const listed = await call<{ consumers: string[] }>(bus.line.asker, `CONSUMER.NAMES.${stream}`, undefined);
  const [name] = listed.ok ? listed.value.consumers : [];
  const reset = await call(bus.line.asker, `CONSUMER.RESET.${stream}.${name}`, { seq: 10 });
  assert.ok(reset.ok, JSON.stringify(reset));
  await say(50, 100);
  await heard.count(100);
  assert.deepEqual(
    heard.all,
    Array.from({ length: 100 }, (_, n) => n + 1),
  );
});
