// What is special about single tools, beside what holds for all of them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AgentRecord, Json, Order, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { newExecutor } from '../executor.ts';

const fixture = async (t: TestContext, env: NodeJS.ProcessEnv = { CAPSTAN_UNSAFE_HOST_SHELL: '1' }) => {
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  await world.start(newExecutor(), env);
  const run = async (capability: string, input: unknown, more: Partial<Order> = {}): Promise<Report> =>
    world.report(await world.order({ queue: 'executor', capability, input: input as Record<string, Json>, ...more }));
  return { world, run };
};

const serve = async (t: TestContext, on: RequestListener): Promise<number> => {
  const server = createServer(on).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
};

test('fail: the first attempts fail as told, and then it succeeds', async (t) => {
  const { run } = await fixture(t);
  const input = { times: 2, code: 'flaky', retryable: true, after_ms: 7 };
  const first = await run('fail', input, { task_id: 'f', attempt: 1 });
  assert.deepEqual([first.error?.code, first.error?.retryable, first.error?.retry_after_ms], ['flaky', true, 7]);
  assert.equal((await run('fail', input, { task_id: 'f', attempt: 2 })).outcome, 'failed');
  assert.deepEqual((await run('fail', input, { task_id: 'f', attempt: 3 })).output, { attempt: 3 });
  assert.equal((await run('fail', { retryable: false })).error?.retryable, false);
});

test('ask: a question first, and its answer as the output', async (t) => {
  const { run } = await fixture(t);
  const input = { text: 'Which branch?', schema: { type: 'string' }, expires_ms: 5_000 };
  const asked = await run('ask', input, { task_id: 'a' });
  assert.deepEqual(
    [asked.outcome, asked.question],
    ['question', { text: 'Which branch?', schema: { type: 'string' }, expires_ms: 5_000 }],
  );
  const answer = { value: 'main', by: 'alice', at: new Date().toISOString() };
  assert.equal((await run('ask', input, { task_id: 'a', attempt: 2, answer })).output, 'main');
});

test('an unknown capability is refused with what there is', async (t) => {
  const { run } = await fixture(t);
  const { error } = await run('telepathy', {});
  assert.deepEqual([error?.code, error?.retryable], ['unknown_capability', false]);
  assert.match(error?.message ?? '', /noop, echo/);
});

test('shell: without an engine it is announced as missing, with what to do, and everything else as there', async (t) => {
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = `unix://${join(tmpdir(), `capstan-no-engine-${process.pid}.sock`)}`;
  t.after(() => {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
  });
  const { world } = await fixture(t, {});
  const { promise, resolve } = Promise.withResolvers<AgentRecord>();
  const watching = await world.bus.store(world.bus.names.buckets.agents).watch(({ data, gone }) => {
    const record = gone ? null : (JSON.parse(Buffer.from(data).toString()) as AgentRecord);
    if (record?.missing?.['shell']?.includes('no Docker Engine answers')) resolve(record);
  });
  const { capabilities, missing } = await promise;
  await watching.stop();
  assert.deepEqual([capabilities.includes('shell'), capabilities.includes('echo')], [false, true]);
  assert.match(missing?.['shell'] ?? '', /--unsafe-host-shell/);
});

test('shell: steps of a task share a directory; output, exit code and log come back', async (t) => {
  const { world, run } = await fixture(t);
  await run('shell', { command: 'echo kept > file', shell: true }, { task_id: 'one', step_id: 'a' });
  const read = await run('shell', { command: ['cat', 'file'] }, { task_id: 'one', step_id: 'b' });
  assert.equal((read.output as { stdout: string }).stdout, 'kept\n');
  const other = await run('shell', { command: ['cat', 'file'] }, { task_id: 'other' });
  assert.deepEqual([other.outcome, other.error?.code, other.error?.retryable], ['failed', 'command_failed', true]);
  assert.match(other.error?.message ?? '', /"cat" ended with 1: .*file/);
  assert.equal((other.output as { exit_code: number }).exit_code, 1);
  const line = await world.bus.log(world.bus.names.streams.logs).last(world.bus.names.log('one', 'b'));
  assert.equal(JSON.parse(Buffer.from(line?.data ?? []).toString()).text, 'kept');
});

test('shell: sees who it works for, and nothing of the environment of the agent', async (t) => {
  process.env['AGENTS_OWN'] = 'x';
  const { run } = await fixture(t);
  const { output } = await run(
    'shell',
    { command: 'echo $CAPSTAN_KEY $MINE [$AGENTS_OWN]', shell: true, env: { MINE: 'm' } },
    { task_id: 'k', step_id: 's', attempt: 2 },
  );
  assert.equal((output as { stdout: string }).stdout, 'k.s.2 m []\n');
});

test('shell: a secret reaches the command, and nobody else', async (t) => {
  process.env['SHELL_CANARY'] = 'canary-shell-1234';
  const { world, run } = await fixture(t);
  const seen: string[] = [];
  world.bus.listen('>', (wire) => void seen.push(Buffer.from(wire.data).toString()));
  const { output } = await run('shell', {
    command: 'echo "got $T"; echo "$T" | wc -c',
    shell: true,
    env: { T: { $secret: 'env:SHELL_CANARY' } },
  });
  assert.deepEqual(
    (output as { stdout: string }).stdout.split('\n').map((line) => line.trim()),
    ['got [masked]', '18', ''],
  );
  assert.equal([...seen, ...world.logged].join('').includes('canary-shell'), false);
});

test('shell: its own time limit and other exit codes', async (t) => {
  const { run } = await fixture(t);
  assert.equal((await run('shell', { command: ['sleep', '60'], timeout_ms: 30 })).error?.code, 'command_timeout');
  assert.equal((await run('shell', { command: 'exit 3', shell: true, success_codes: [0, 3] })).outcome, 'succeeded');
  assert.equal((await run('shell', { command: 'kill -9 $$', shell: true })).error?.code, 'command_killed');
  const absent = (await run('shell', { command: ['no-such-program'] })).error;
  assert.deepEqual([absent?.code, absent?.retryable], ['command_not_found', false]);
});

test('script: its lines are not arguments, what reads input gets none of them, and it ends where one fails', async (t) => {
  const { run } = await fixture(t);
  const stdout = async (input: object) => ((await run('script', input)).output as { stdout: string }).stdout;
  assert.equal(await stdout({ script: 'cat\necho "$1 $#"', args: ['a b', 2] }), 'a b 2\n');
  assert.equal(await stdout({ script: 'false\necho on', strict: false }), 'on\n');
  const failed = await run('script', { script: 'echo one\nfalse\necho two' });
  assert.deepEqual([failed.error?.code, (failed.output as { stdout: string }).stdout], ['command_failed', 'one\n']);
  assert.equal(await stdout({ language: 'node', script: 'console.log(process.argv[2])', args: ['x'] }), 'x\n');
  assert.equal(await stdout({ language: 'python', script: 'import sys; print(sys.argv[1])', args: ['y'] }), 'y\n');
});

test('http: private addresses are refused for good unless listed', async (t) => {
  const port = await serve(t, (_, response) => void response.end('inside'));
  const closed = await fixture(t, {});
  const { error } = await closed.run('http', { url: `http://127.0.0.1:${port}/` });
  assert.deepEqual([error?.code, error?.retryable], ['http_forbidden_address', false]);
  const open = await fixture(t, { CAPSTAN_HTTP_ALLOW: `localhost:${port}` });
  assert.equal((await open.run('http', { url: `http://localhost:${port}/` })).outcome, 'succeeded');
  const narrowed = await open.run(
    'http',
    { url: `http://localhost:${port}/` },
    { sandbox: { egress: ['api.github.com:443'] } },
  );
  assert.equal(narrowed.error?.code, 'http_forbidden_address');
});

test('http: sends JSON with the key of the order, and reads JSON, text and bytes', async (t) => {
  const port = await serve(t, (request, response) => {
    if (request.url === '/bytes') return void response.end(Buffer.from([0xff, 0]));
    if (request.url === '/text') return void response.end('hällo');
    const { 'idempotency-key': key, 'content-type': type } = request.headers;
    request.on('data', (data: Buffer) =>
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ key, type, body: JSON.parse(data.toString()) })),
    );
  });
  const { run } = await fixture(t, { CAPSTAN_HTTP_ALLOW: `127.0.0.1:${port}` });
  const body = async (path: string, input: object = {}) =>
    (
      (await run('http', { url: `http://127.0.0.1:${port}${path}`, ...input }, { task_id: `t${path.length}` }))
        .output as { body: unknown }
    ).body;
  assert.deepEqual(await body('/', { method: 'post', body: { a: 1 } }), {
    key: 't1.s.1',
    type: 'application/json',
    body: { a: 1 },
  });
  assert.equal(await body('/text'), 'hällo');
  assert.equal(await body('/bytes'), Buffer.from([0xff, 0]).toString('base64'));
});

test('http: a status that was not expected fails; busy ones may be tried again when the far side says', async (t) => {
  const port = await serve(t, (request, response) => {
    response.writeHead(Number(request.url?.slice(1)), { 'retry-after': '2' }).end('why');
  });
  const { run } = await fixture(t, { CAPSTAN_HTTP_ALLOW: `127.0.0.1:${port}` });
  const ask = (status: number, expect?: object) =>
    run('http', { url: `http://127.0.0.1:${port}/${status}`, ...(expect ? { expect } : {}) });
  const missing = await ask(404);
  assert.deepEqual(
    [missing.error?.code, missing.error?.retryable, (missing.output as { body: string }).body],
    ['http_404', false, 'why'],
  );
  const busy = await ask(503);
  assert.deepEqual([busy.error?.code, busy.error?.retryable, busy.error?.retry_after_ms], ['http_503', true, 2_000]);
  assert.equal((await ask(404, { status: [200, 404] })).outcome, 'succeeded');
});
