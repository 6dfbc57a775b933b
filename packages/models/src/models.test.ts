// Every provider against a local server that speaks as its makers publish; nothing here reaches a model.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type House, Stopped } from '@capstan/kit';
import { newAgentWorld } from '@capstan/kit/testing';
import { type Asked, newModels } from './models.ts';
import { loadModelsFile, type ModelEntry } from './models-file.ts';
import { providers } from './providers/index.ts';
import { newSlots } from './slots.ts';
import { type Heard, type Said, startModelServer } from './testing.ts';

const fixture = async (t: TestContext, answer: (heard: Heard) => Said, more: Partial<ModelEntry> = {}) => {
  const [world, server] = await Promise.all([newAgentWorld(), startModelServer(answer)]);
  t.after(() => Promise.all([world[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]));
  const house: House = { bus: world.bus, resolve: async (value) => value };
  const entryOf = (provider: string): ModelEntry => ({
    provider,
    model: 'm',
    base_url: provider === 'openai' ? `${server.url}/v1` : server.url,
    api_key: 'key-4711',
    max_tokens: 100,
    context_window: 4_096,
    capabilities: ['json_schema'],
    concurrency: 1,
    timeout_ms: 5_000,
    ...more,
  });
  const models = Object.fromEntries(providers.map(({ name }) => [name, entryOf(name)]));
  const all = newModels({ models, default: 'openai' }, house);
  const ask = (asked: Partial<Asked> = {}) =>
    all.ask({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello?' },
      ],
      tenant: 'default',
      signal: new AbortController().signal,
      ...asked,
    });
  const failed = async (asked: Partial<Asked> = {}) => {
    const error = await ask(asked).then(
      () => assert.fail('answered'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof Stopped, String(error));
    return error.outcome;
  };
  return { server, ask, failed };
};

for (const { name } of providers) {
  test(`${name}: streamed, counted, and asked as its makers want it`, async (t) => {
    const { server, ask } = await fixture(t, () => ({ pieces: ['Hel', 'lo', '.'] }));
    const pieces: string[] = [];
    const answered = await ask({ model: name, onText: (text) => pieces.push(text), temperature: 0.5 });
    assert.deepEqual(pieces, ['Hel', 'lo', '.']);
    const { text, usage, cached, model } = answered;
    assert.deepEqual([text, usage, cached, model], ['Hello.', { tokens_in: 7, tokens_out: 3 }, false, name]);
    const [{ headers, body }] = server.heard as [Heard];
    assert.match(JSON.stringify(headers), /key-4711/);
    assert.equal(JSON.stringify(body).includes('Be brief.'), true);
    assert.equal(body.messages.at(-1)?.content, 'Hello?');
  });

  test(`${name}: busy may be tried again when it says, a wrong key may not, and half an answer is none`, async (t) => {
    let said: Said = { status: 429, headers: { 'retry-after': '3' } };
    const { failed } = await fixture(t, () => said);
    const busy = await failed({ model: name });
    assert.deepEqual([busy.code, busy.retryable], ['model_busy', true]);
    if (name !== 'ollama') assert.equal(busy.afterMs, 3_000);
    said = { status: name === 'ollama' ? 404 : 401 };
    assert.equal((await failed({ model: name })).retryable, false);
    said = { pieces: ['Half'], reason: 'cut' };
    const cut = await failed({ model: name });
    assert.ok(['model_failed', 'model_unavailable'].includes(cut.code) && cut.retryable, cut.code);
  });
}

const schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };

test('an answer that does not pass goes back with what is wrong, and every try is counted', async (t) => {
  const answers = ['Sure!', '```json\n{ "n": "one" }\n```', 'Here: {"n": 1}'];
  const { server, ask } = await fixture(t, () => ({ pieces: [answers.shift() ?? 'none'] }));
  const { json, repairs, usage } = await ask({ schema });
  assert.deepEqual([json, repairs, usage], [{ n: 1 }, 2, { tokens_in: 21, tokens_out: 3 }]);
  assert.match(server.heard[1]?.body.messages.at(-1)?.content ?? '', /it is no JSON/);
  assert.match(server.heard[2]?.body.messages.at(-1)?.content ?? '', /n: .*integer/);
  assert.deepEqual(server.heard[0]!.body['response_format'], {
    type: 'json_schema',
    json_schema: { name: 'answer', schema },
  });
});

test('after its repairs it is a failure that says why, with what it has cost', async (t) => {
  const { server, failed } = await fixture(t, () => ({ pieces: ['{}'] }));
  const { code, message, usage } = await failed({ schema, repairsMax: 1, cache: false });
  assert.deepEqual([code, usage, server.heard.length], ['model_invalid_output', { tokens_in: 14, tokens_out: 2 }, 2]);
  assert.match(message, /after 1 repairs: .*"n"/);
});

test('only an answer that passes is remembered, for the question that was asked first', async (t) => {
  const answers = ['{"n":"one"}', '{"n":"two"}', '{"n":"three"}', '{"n":4}'];
  const { server, ask, failed } = await fixture(t, () => ({ pieces: [answers.shift() ?? 'none'] }));
  assert.equal((await failed({ schema, repairsMax: 1 })).code, 'model_invalid_output');
  const repaired = await ask({ schema });
  assert.deepEqual([repaired.json, repaired.cached, repaired.repairs, server.heard.length], [{ n: 4 }, false, 1, 4]);
  const again = await ask({ schema });
  assert.deepEqual([again.json, again.cached, again.repairs, server.heard.length], [{ n: 4 }, true, 0, 4]);
});

test('the same question is asked once; another temperature, tenant, or "cache": false is another matter', async (t) => {
  const { server, ask } = await fixture(t, () => ({ pieces: ['a'] }));
  const first = await ask();
  const again = await ask();
  assert.deepEqual(
    [again.text, again.cached, again.key, again.usage],
    ['a', true, first.key, { tokens_in: 0, tokens_out: 0 }],
  );
  assert.equal(server.heard.length, 1);
  for (const more of [{ temperature: 1 }, { tenant: 'other' }, { cache: false }])
    assert.equal((await ask(more)).cached, false);
  assert.equal(server.heard.length, 4);
});

test('no more calls at a time than the model allows', async (t) => {
  const { promise: go, resolve } = Promise.withResolvers<void>();
  const { server, ask } = await fixture(t, () => ({ pieces: ['a'], after: go }));
  const asked = [ask({ tenant: 'a' }), ask({ tenant: 'b' }), ask({ tenant: 'c' })];
  while (server.heard.length === 0) await new Promise((next) => setImmediate(next));
  assert.equal(server.heard.length, 1);
  resolve();
  await Promise.all(asked);
  assert.equal(server.heard.length, 3);
});

test('silence is not waited out, and neither is an answer that nobody wants any more', async (t) => {
  const { failed, ask } = await fixture(t, () => ({ after: new Promise(() => {}) }), { timeout_ms: 50 });
  assert.equal((await failed()).code, 'model_timeout');
  const abort = new AbortController();
  const asked = ask({ signal: abort.signal });
  abort.abort(new Error('cancelled'));
  await assert.rejects(asked);
});

test('a slot goes to whoever waited longest, and whoever leaves gets none', async () => {
  const slots = newSlots(1);
  const never = new AbortController().signal;
  const leaving = new AbortController();
  const giveBack = await slots.take(never);
  const left = slots.take(leaving.signal);
  const waiting = slots.take(never);
  leaving.abort(new Error('left'));
  await assert.rejects(left, /left/);
  giveBack();
  giveBack();
  (await waiting)();
  (await slots.take(never))();
});

test('the models file is checked, and a mistake is told with its place', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-models-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const load = (text: string) => {
    const file = join(folder, 'models.yaml');
    writeFileSync(file, text);
    return loadModelsFile(file);
  };
  const { default: name, models } = load('models: { coder: { provider: ollama, model: qwen3, temperature: 0 } }');
  assert.deepEqual([name, models['coder']?.max_tokens, models['coder']?.concurrency], ['coder', 4_096, 2]);
  assert.throws(() => load('models: { a: { provider: none, model: m } }'), /models\.yaml: models\.a\.provider: /);
  assert.throws(
    () => load('default: b\nmodels: { a: { provider: ollama, model: m } }'),
    /default: is not among the models/,
  );
  assert.throws(() => load('models: ['), /is no YAML/);
  assert.throws(() => loadModelsFile(join(folder, 'none')), /ENOENT.*CAPSTAN_MODELS/);
});
