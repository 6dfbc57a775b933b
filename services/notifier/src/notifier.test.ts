import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { type Json, type Report, roles } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { channels } from './channels/index.ts';
import { newNotifier } from './notifier.ts';

const notice = {
  event: 'task.succeeded',
  channel: 'log',
  subject: 'T: task.succeeded',
  text: 'All is well.',
  key: 't1._notify-1',
  task: { task_id: 't1' },
};

const fixture = async (t: TestContext, env: NodeJS.ProcessEnv = {}) => {
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  await world.start(newNotifier(), env);
  const send = async (more: Record<string, Json>): Promise<Report> =>
    world.report(await world.order({ queue: 'notifier', capability: 'notify', input: { ...notice, ...more } }));
  return { world, send };
};

const serve = async (t: TestContext, on: RequestListener): Promise<{ to: string; place: string }> => {
  const server = createServer(on).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { to: `http://${place}/hook?token=abc`, place };
};

test('log: the notice is a line of the log', async (t) => {
  const { world, send } = await fixture(t);
  const report = await send({});
  assert.deepEqual(roles.notifier.capabilities.notify.output.parse(report.output), { sent: true });
  const line = world.logged
    .map((text) => JSON.parse(text) as Record<string, unknown>)
    .find(({ msg }) => msg === 'Notice.');
  assert.deepEqual(
    [line?.['event'], line?.['subject'], line?.['key']],
    ['task.succeeded', 'T: task.succeeded', 't1._notify-1'],
  );
});

test('webhook: JSON, with the key as idempotency key, signed where a secret is set', async (t) => {
  const got: { request: IncomingMessage; body: string }[] = [];
  const { to, place } = await serve(t, async (request, response) => {
    got.push({ request, body: Buffer.concat(await request.toArray()).toString() });
    response.writeHead(204).end();
  });
  const secret = 'a-secret-of-enough-letters';
  const { send } = await fixture(t, { CAPSTAN_WEBHOOK_ALLOW: place, CAPSTAN_WEBHOOK_SECRET: secret });
  const report = await send({ channel: 'webhook', to });
  assert.deepEqual([report.outcome, report.output], ['succeeded', { sent: true, status: 204 }]);
  const [{ request, body }] = got as [(typeof got)[0]];
  assert.deepEqual(JSON.parse(body), {
    v: 1,
    event: notice.event,
    subject: notice.subject,
    text: notice.text,
    key: notice.key,
    task: notice.task,
  });
  assert.equal(request.method, 'POST');
  assert.equal(request.headers['idempotency-key'], notice.key);
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(
    request.headers['capstan-signature'],
    `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  );
});

test('webhook: busy or silent far sides are tried again, when they say; what they refuse is not', async (t) => {
  let status = 503;
  const { to, place } = await serve(t, (_, response) => {
    if (status > 0) response.writeHead(status, { 'retry-after': '3', location: '/elsewhere' }).end('why');
  });
  const { send } = await fixture(t, { CAPSTAN_WEBHOOK_ALLOW: `${place},127.0.0.1:1` });
  const failure = async (next: number, address = to) => {
    status = next;
    const { error } = await send({ channel: 'webhook', to: address });
    return [error?.code, error?.retryable, error?.retry_after_ms];
  };
  assert.deepEqual(await failure(503), ['webhook_503', true, 3_000]);
  assert.deepEqual(await failure(429), ['webhook_429', true, 3_000]);
  assert.deepEqual(await failure(404), ['webhook_404', false, undefined]);
  assert.deepEqual(await failure(302), ['webhook_redirect', false, undefined]);
  assert.deepEqual(await failure(200, 'http://127.0.0.1:1/'), ['webhook_unreachable', true, undefined]);
});

test('webhook: one that never answers is given up after a while, to be tried again', async (t) => {
  const { to, place } = await serve(t, () => {});
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  const file = `${world.server.dir}/capstan.yaml`;
  const { writeFile } = await import('node:fs/promises');
  await writeFile(file, `notifier: { webhook: { timeout_ms: 50, allow: ["${place}"] } }\n`);
  await world.start(newNotifier(), { CAPSTAN_CONFIG: file });
  const { error } = await world.report(
    await world.order({ queue: 'notifier', capability: 'notify', input: { ...notice, channel: 'webhook', to } }),
  );
  assert.deepEqual([error?.code, error?.retryable], ['webhook_timeout', true]);
});

test('webhook: private addresses are refused for good unless listed, and the address needs to be one', async (t) => {
  let calls = 0;
  const { to } = await serve(t, (_, response) => {
    calls++;
    response.end();
  });
  const { send } = await fixture(t);
  const { error } = await send({ channel: 'webhook', to });
  assert.deepEqual([error?.code, error?.retryable], ['webhook_forbidden_address', false]);
  assert.match(error?.message ?? '', /CAPSTAN_WEBHOOK_ALLOW/);
  assert.equal(error?.message.includes('token'), false);
  assert.equal(
    (await send({ channel: 'webhook', to: 'http://169.254.169.254/latest/meta-data' })).error?.code,
    'webhook_forbidden_address',
  );
  assert.equal((await send({ channel: 'webhook', to: 'ftp://x' })).error?.code, 'webhook_invalid_url');
  assert.equal((await send({ channel: 'webhook' })).error?.code, 'no_recipient');
  assert.equal(calls, 0);
});

test('an unknown channel is refused with the nearest name and the list', async (t) => {
  const { send } = await fixture(t);
  const { error } = await send({ channel: 'webhok' });
  assert.deepEqual([error?.code, error?.retryable], ['unknown_channel', false]);
  assert.equal(error?.message, 'There is no channel "webhok". Did you mean "webhook"? There are log, webhook.');
  assert.match((await send({ subject: 3 })).error?.message ?? '', /^subject: /);
});

test('every channel is described, and named once', () => {
  assert.equal(new Set(channels.map(({ name }) => name)).size, channels.length);
  for (const { description } of channels) assert.ok(description.endsWith('.'));
});
