import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../index.ts';
import { prepare } from './prepare.ts';
import { startNatsServer } from '../testing.ts';

test('a rehearsal says nothing to the server, leaves nothing behind, and the connection works as before', async () => {
  await using server = await startNatsServer();
  const warnings: string[] = [];
  await using bus = await connect({ url: server.url, warn: (message) => void warnings.push(message) });
  await prepare(bus);
  await using observer = await connect({ url: server.url });
  const said: string[] = [];
  observer.listen('>', ({ subject }) => void said.push(subject));
  await observer.line.connection.flush();
  await bus.rehearse();
  bus.tell('behind.it', '');
  await bus.line.connection.flush();
  await observer.line.connection.flush();
  assert.deepEqual(said, ['behind.it']);
  assert.equal((await bus.log(bus.names.streams.orders).info()).messages, 0);

  const { seq } = await bus.once({ subject: bus.names.order('worker', 'a', 's', 1), data: '{"a":1}' });
  assert.equal(seq, 1);
  const heard = Promise.withResolvers<string>();
  await bus.takeOrders('worker', 1, (delivery) => {
    delivery.letGo();
    heard.resolve(delivery.subject);
  });
  assert.equal(await heard.promise, bus.names.order('worker', 'a', 's', 1));
  assert.deepEqual(warnings, []);
});
