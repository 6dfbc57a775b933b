// What holds for every tool: each is run as an order, by the executor, from a real server. A tool without a case here fails.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Json, type ToolRecord, toolRecord } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { startModelServer } from '@capstan/models/testing';
import { z } from 'zod';
import { newExecutor } from '../executor.ts';
import { tools } from './index.ts';

interface Case {
  /** Inputs that succeed. */
  readonly good: readonly Readonly<Record<string, unknown>>[];
  /** Inputs that are refused, with the path of what is wrong. */
  readonly bad: readonly [input: Readonly<Record<string, unknown>>, path: string][];
  /** One that would take minutes, where there is such. */
  readonly slow?: Readonly<Record<string, unknown>>;
}

const casesFor = (port: number): Readonly<Record<string, Case>> => ({
  noop: { good: [{}, { any: 1 }], bad: [] },
  echo: { good: [{}, { a: [1, { b: null }] }], bad: [] },
  wait: {
    good: [{ ms: 1 }],
    bad: [
      [{}, 'ms'],
      [{ ms: -1 }, 'ms'],
      [{ ms: '5' }, 'ms'],
    ],
    slow: { ms: 600_000 },
  },
  fail: {
    good: [{ times: 0 }],
    bad: [
      [{ times: -1 }, 'times'],
      [{ code: '' }, 'code'],
      [{ retryable: 'no' }, 'retryable'],
    ],
  },
  ask: {
    good: [{ text: 'Which?' }],
    bad: [
      [{}, 'text'],
      [{ text: 'x', schema: [] }, 'schema'],
    ],
  },
  http: {
    good: [{ url: `http://127.0.0.1:${port}/` }],
    bad: [
      [{}, 'url'],
      [{ url: 'http://x', headers: { a: 'x\r\ny' } }, 'headers.a'],
      [{ url: 'http://x', expect: { status: '9xx' } }, 'expect.status'],
    ],
    slow: { url: `http://127.0.0.1:${port}/slow`, timeout_ms: 600_000 },
  },
  files: {
    good: [{ action: 'write', files: [{ path: 'a', content: 'x' }] }],
    bad: [
      [{}, 'action'],
      [{ action: 'read' }, 'path'],
      [{ action: 'write', files: [{ path: 'a' }] }, 'files.0.content'],
      [{ action: 'edit', path: 'a', edits: [] }, 'edits'],
    ],
  },
  'github.pull_request': {
    good: [],
    bad: [
      [{ repository: 'x', number: 1 }, 'repository'],
      [{ repository: 'a/b', number: 0 }, 'number'],
    ],
  },
  'github.checks': { good: [], bad: [[{ repository: 'a/b' }, 'ref']] },
  'github.commit_code': {
    good: [],
    bad: [
      [{ repository: 'a/b', branch: 'x', commit_message: 'm', files: [] }, 'files'],
      [{ repository: 'a/b', branch: '-x', commit_message: 'm', files: [{ path: 'a', content: '' }] }, 'branch'],
    ],
  },
  'github.comment': { good: [], bad: [[{ repository: 'a/b', number: 1, body: '' }, 'body']] },
  'github.merge': { good: [], bad: [[{ repository: 'a/b', number: 1, method: 'fast' }, 'method']] },
  'pulumi.preview': { good: [], bad: [[{}, 'stack']] },
  'pulumi.up': { good: [], bad: [[{ stack: 'a b' }, 'stack']] },
  'coding-agent': {
    good: [],
    bad: [
      [{ action: 'execute_edits' }, 'prompt'],
      [{ action: 'validate_output', rules: { max_files: 0 } }, 'rules.max_files'],
    ],
  },
  git: {
    good: [],
    bad: [
      [{}, 'action'],
      [{ action: 'clone' }, 'repository'],
      [{ action: 'branch', name: '--force' }, 'name'],
      [{ action: 'commit', message: '' }, 'message'],
      [{ action: 'push', branch: 'a..b' }, 'branch'],
      [{ action: 'diff', from: '--output=/etc/x' }, 'from'],
    ],
  },
  monitor: {
    good: [{ http: { url: `http://127.0.0.1:${port}/` }, healthy_for_ms: 0 }],
    bad: [
      [{}, 'http'],
      [{ promql: { url: 'http://x', query: 'up' } }, 'promql.below'],
      [{ http: { url: 'http://x' }, healthy_for_ms: 9, give_up_ms: 9 }, 'give_up_ms'],
    ],
    slow: { http: { url: `http://127.0.0.1:${port}/` }, healthy_for_ms: 600_000, give_up_ms: 700_000 },
  },
  llm: {
    good: [{ prompt: 'Hello?' }, { prompt: 'A number?', schema: { type: 'number' } }],
    bad: [
      [{}, 'prompt'],
      [{ prompt: 'x', max_repairs: 99 }, 'max_repairs'],
      [{ prompt: 'x', schema: 'number' }, 'schema'],
    ],
    slow: { prompt: 'Say nothing.' },
  },
  script: {
    good: [{ script: 'cat\ntrue' }, { script: 'console.log(1)', language: 'node' }],
    bad: [
      [{}, 'script'],
      [{ script: 'x', language: 'perl' }, 'language'],
      [{ script: 'x', args: {} }, 'args'],
    ],
    slow: { script: 'true\nsleep 600' },
  },
  shell: {
    good: [{ command: ['true'] }, { command: 'exit 0', shell: true }],
    bad: [
      [{}, 'command'],
      [{ command: [] }, 'command'],
      [{ command: 'ls -l' }, 'command'],
      [{ command: ['a'], shell: true }, 'command'],
      [{ command: ['a'], env: { 'A-B': '1' } }, 'env.A-B'],
    ],
    slow: { command: ['sleep', '600'] },
  },
});

const fixture = async (t: TestContext) => {
  const server = createServer((request, response) => {
    if (request.url !== '/slow') response.end('here');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const model = await startModelServer(({ body }) =>
    JSON.stringify(body).includes('Say nothing.') ? { after: new Promise(() => {}) } : { pieces: ['4', '2'] },
  );
  const folder = mkdtempSync(join(tmpdir(), 'capstan-contract-'));
  const models = join(folder, 'models.yaml');
  writeFileSync(models, `models: { small: { provider: ollama, model: m, base_url: "${model.url}" } }`);
  t.after(() => Promise.all([model[Symbol.asyncDispose](), rm(folder, { recursive: true, force: true })]));
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  await world.start(newExecutor(), {
    CAPSTAN_UNSAFE_HOST_SHELL: '1',
    CAPSTAN_HTTP_ALLOW: `127.0.0.1:${port}`,
    CAPSTAN_MODELS: models,
  });
  return { world, cases: casesFor(port) };
};

test('every tool is registered, described, named like its file, and has a case here', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => !name.includes('test') && name !== 'index.ts');
  assert.deepEqual(tools.map(({ name }) => name).sort(), files.map((name) => basename(name, '.ts')).sort());
  assert.deepEqual(Object.keys(casesFor(0)).sort(), tools.map(({ name }) => name).sort());
  for (const { description, risk } of tools) assert.ok(description.endsWith('.') && risk);
});

test('every tool is described as others read it, and its schemas are JSON Schema', async (t) => {
  const { world } = await fixture(t);
  const store = world.bus.store(world.bus.names.buckets.tools);
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const read = new Map<string, ToolRecord>();
  const watching = await store.watch(({ key, data }) => {
    read.set(key, toolRecord.parse(JSON.parse(Buffer.from(data).toString())));
    if (read.size === tools.length) resolve();
  });
  await all;
  await watching.stop();
  for (const { name } of tools) {
    const { input, output } = read.get(`executor.${name}`) ?? assert.fail(name);
    for (const schema of [input, output]) assert.doesNotThrow(() => z.fromJSONSchema(schema as never), name);
  }
});

test('a word that is nearly one of the inputs of a tool is asked about, any other is passed over', async (t) => {
  const { world } = await fixture(t);
  const run = async (input: Record<string, Json>) =>
    world.report(await world.order({ queue: 'executor', capability: 'wait', input }));
  assert.equal((await run({ ms: 1, why: 'none' })).outcome, 'succeeded');
  const { error } = await run({ m: 1 });
  assert.equal(
    error?.message,
    'm: is not an input of "wait"; did you mean ms? `capstan tools wait` shows what it takes.',
  );
});

test('good input gives output as its schema says', async (t) => {
  const { world, cases } = await fixture(t);
  for (const tool of tools) {
    for (const input of cases[tool.name]?.good ?? []) {
      const answer = { value: { any: 'thing' }, by: 'alice', at: new Date().toISOString() };
      const report = await world.report(
        await world.order({ queue: 'executor', capability: tool.name, input: input as never, answer }),
      );
      assert.equal(report.outcome, 'succeeded', `${tool.name} ${JSON.stringify(input)}: ${report.error?.message}`);
      assert.equal(tool.output.safeParse(report.output).success, true, tool.name);
    }
  }
});

test('bad input is refused for good, and the path of what is wrong is said', async (t) => {
  const { world, cases } = await fixture(t);
  for (const tool of tools) {
    for (const [input, path] of cases[tool.name]?.bad ?? []) {
      const report = await world.report(
        await world.order({ queue: 'executor', capability: tool.name, input: input as never }),
      );
      const { code, message, retryable } = report.error ?? {};
      assert.deepEqual([code, retryable], ['invalid_input', false], `${tool.name} ${JSON.stringify(input)}`);
      assert.ok(message?.startsWith(`${path}: `), `${tool.name}: ${message}`);
    }
  }
});

test('long work ends when it is cancelled', async (t) => {
  const { world, cases } = await fixture(t);
  const { names } = world.bus;
  for (const tool of tools) {
    const slow = cases[tool.name]?.slow;
    if (!slow) continue;
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const listening = world.bus.listen(names.progresses, () => resolve());
    const order = await world.order({ queue: 'executor', capability: tool.name, input: slow as never });
    await begun;
    await listening.stop();
    const startedAt = Date.now();
    const force_at = new Date(Date.now() + 60_000).toISOString();
    world.bus.tell(names.cancel(order.task_id, order.step_id), JSON.stringify({ attempt: 1, reason: 'r', force_at }));
    assert.equal((await world.report(order)).outcome, 'cancelled', tool.name);
    assert.ok(Date.now() - startedAt < 5_000, `${tool.name} took ${Date.now() - startedAt} ms to end`);
  }
});
