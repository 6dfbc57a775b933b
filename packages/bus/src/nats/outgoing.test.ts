// What goes out, over a real connection: how many writes it takes, what is refused, what is lost with a connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type TestServer, startNatsServer } from '../testing.ts';
import { Heard, text } from '../worlds.ts';
import type { NatsBus } from './bus.ts';
import { connect } from './connect.ts';
import { headerBytes } from './wire.ts';

interface Protocol {
  sendCommand(bytes: Uint8Array): void;
}

/** The sizes of the writes since it was looked at last. */
const writesOf = (bus: NatsBus): (() => number[]) => {
  const { protocol } = bus.line.connection as unknown as { protocol: Protocol };
  const { sendCommand } = protocol;
  let sizes: number[] = [];
  protocol.sendCommand = (bytes) => {
    sizes.push(bytes.length);
    sendCommand.call(protocol, bytes);
  };
  return () => {
    const found = sizes;
    sizes = [];
    return found;
  };
};

const open = async (options: { maxPayload?: number } = {}) => {
  const server: TestServer = await startNatsServer({ jetStream: true, ...options });
  const bus = await connect({ url: server.url, warn: () => {} });
  const other = await connect({ url: server.url, warn: () => {} });
  const heard = new Heard<string>();
  other.listen('said.*', ({ subject, data, header }) =>
    heard.add(`${subject.slice(5)}=${text(data)}${header('A') ?? ''}`),
  );
  // The server has both once it answers.
  await other
    .log('nothing')
    .last('nothing')
    .catch(() => null);
  return {
    server,
    bus,
    heard,
    writes: writesOf(bus),
    outgoing: bus.line.outgoing,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([bus.close(), other.close()]);
      await server.stop();
    },
  };
};

const numbers = Array.from({ length: 100 }, (_, at) => at);

test('what a busy turn says leaves in one write, in order, also from code full of promises', async () => {
  await using world = await open();
  const { outgoing, writes, heard } = world;
  for (const n of numbers) outgoing.publish(`said.${n}`, `ü${n}`);
  await turn();
  assert.equal(writes().length, 1);
  for (const n of numbers) {
    await Promise.resolve();
    outgoing.publish(`said.${n}`, Buffer.from(`again ${n}`), headerBytes('A: !\r\n'));
  }
  // Nothing has left before the turn is over.
  assert.deepEqual(writes(), []);
  await turn();
  assert.equal(writes().length, 1);
  assert.deepEqual(await heard.count(200), [
    ...numbers.map((n) => `${n}=ü${n}`),
    ...numbers.map((n) => `${n}=again ${n}!`),
  ]);
});

test('a little leaves at once, before the turn ends', async () => {
  await using world = await open();
  const { outgoing, writes, heard } = world;
  await turn();
  await turn();
  writes();
  const order: string[] = [];
  setImmediate(() => order.push('turn'));
  outgoing.publish('said.1', 'at once');
  await Promise.resolve();
  await Promise.resolve();
  order.push(`${writes().length} writes`);
  await turn();
  assert.deepEqual(order, ['1 writes', 'turn']);
  assert.deepEqual(await heard.count(1), ['1=at once']);
});

test('what is more than a buffer holds leaves in several writes, whole', async () => {
  await using world = await open();
  const { outgoing, writes, heard } = world;
  const large = 'x'.repeat(200_000);
  outgoing.publish('said.1', 'before');
  outgoing.publish('said.2', large);
  outgoing.publish('said.3', 'after');
  await turn();
  assert.ok(writes().length > 1);
  assert.deepEqual(await heard.count(3), ['1=before', `2=${large}`, '3=after']);
});

test('what the server would not take is refused, and the connection goes on', async () => {
  await using world = await open({ maxPayload: 1_024 });
  const { outgoing, heard } = world;
  assert.throws(() => outgoing.publish('said.1', 'x'.repeat(1_025)), /max_payload/);
  assert.throws(() => outgoing.publish('said.1', 'é'.repeat(600)), /max_payload/);
  for (const subject of ['', 'said. 1', 'said.1\r\nPUB said.2 0', 'said.\t', 'said.\0'])
    assert.throws(() => outgoing.publish(subject, ''), /can't be a subject/, JSON.stringify(subject));
  assert.throws(() => outgoing.publish('said.1', '', undefined, 'a b'), /can't be a subject/);
  outgoing.publish('said.3', 'x'.repeat(1_024));
  assert.deepEqual(await heard.count(1), [`3=${'x'.repeat(1_024)}`]);
});

test('what is said to a broken connection is lost with it, and nothing of it comes later', async () => {
  await using world = await open();
  const { bus, server, heard, writes } = world;
  await server.kill();
  for (; bus.connected(); ) await turn();
  writes();
  bus.tell('said.1', 'lost');
  bus.line.outgoing.publish('said.2', 'dropped');
  bus.line.outgoing.drop();
  await turn();
  assert.deepEqual(writes(), []);
  await server.start();
  // Asked once both are there again.
  for (let said = 0; heard.all.length === 0; said += 1) {
    bus.tell('said.3', String(said));
    await Promise.race([heard.count(1), new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  assert.ok(
    heard.all.every((one) => one.startsWith('3=')),
    heard.all.join(' '),
  );
});
