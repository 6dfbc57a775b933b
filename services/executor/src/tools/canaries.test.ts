// Secrets of every kind, planted, used, and looked for: in every message, whatever is stored, and every line of the log, in the forms
// that they commonly travel in.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { newExecutor } from '../executor.ts';

const canaries = {
  env: 'canary-env/7f3a+91',
  file: 'canary-file-"quoted"-52',
  vault: 'canary-vault-8d0e7c',
  token: 'hvs.canary-token-1b2c',
};

const formsOf = (secret: string): string[] => {
  const bytes = Buffer.from(secret);
  // Inside a longer base64 text it may begin at any place of a group of three.
  const inside = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift, 'x'), bytes])
      .toString('base64')
      .slice(Math.ceil((shift * 8) / 6), -4),
  );
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), bytes.toString('hex'), ...inside];
};

const startVault = async (t: TestContext): Promise<string> => {
  const server = createServer(({ headers, url }, response) => {
    const known = headers['x-vault-token'] === canaries.token && url === '/v1/kv/data/team';
    const data = { data: { key: canaries.vault }, metadata: { version: 1 } };
    response.writeHead(known ? 200 : 403).end(JSON.stringify(known ? { data } : { errors: ['permission denied'] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

test('no secret is in a message, a log, an artifact or an error, however a step handles it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-canaries-'));
  writeFileSync(join(folder, 'secret'), `${canaries.file}\n`);
  process.env['CANARY_ENV'] = canaries.env;
  const world = await newAgentWorld();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const seen: string[] = [];
  world.bus.listen('>', ({ subject, data }) => void seen.push(subject, Buffer.from(data).toString()));
  await world.start(newExecutor(), {
    CAPSTAN_UNSAFE_HOST_SHELL: '1',
    CAPSTAN_LOG_LEVEL: 'trace',
    CAPSTAN_VAULT_ADDRESS: await startVault(t),
    CAPSTAN_VAULT_TOKEN: canaries.token,
    CAPSTAN_SECRETS_ALLOW: `env:CANARY_*,file:${folder}/*,vault:kv/*`,
  });
  const env = {
    A: { $secret: 'env:CANARY_ENV' },
    B: { $secret: `file:${folder}/secret` },
    C: { $secret: 'vault:kv/team#key' },
  };
  const run = async (capability: string, input: Record<string, Json>) =>
    world.report(await world.order({ queue: 'executor', capability, input }));
  const each = 'for s in "$A" "$B" "$C"; do';
  const steps: [string, Record<string, Json>, string][] = [
    [
      'shell',
      {
        shell: true,
        env,
        command: `${each} echo "$s"; printf %s "x$s" | base64 -w0; printf %s "$s" | od -An -tx1 | tr -d " \\n"; done`,
      },
      'succeeded',
    ],
    ['shell', { shell: true, env, command: `${each} echo "$s" >&2; done; exit 7` }, 'failed'],
    [
      'shell',
      { shell: true, env, command: `${each} echo "$s"; done > kept.txt`, artifacts: ['kept.txt'] },
      'succeeded',
    ],
    // One byte at a time, so that no piece of output holds a whole one.
    [
      'script',
      { language: 'node', env, script: 'for (const c of process.env.C + "\\n") require("fs").writeSync(1, c);' },
      'succeeded',
    ],
    ['files', { action: 'read', path: env.C }, 'failed'],
    ['http', { url: 'http://127.0.0.1:1/', headers: { authorization: env.C } }, 'failed'],
    ['http', { url: env.C }, 'failed'],
    ['git', { action: 'clone', repository: env.A }, 'failed'],
    ['echo', { said: env }, 'succeeded'],
    ['fail', { message: env.C }, 'failed'],
    ['ask', { text: env.B, schema: { title: env.C } }, 'question'],
    [env.C.$secret.replace(/\W/g, '.'), {}, 'failed'],
  ];
  for (const [capability, input, outcome] of steps) {
    const report = await run(capability, input);
    assert.equal(report.outcome, outcome, `${capability}: ${report.error?.message}`);
    for (const { ref } of report.artifacts ?? []) {
      const key = ref.slice(ref.indexOf('/') + 1);
      seen.push(Buffer.from((await world.bus.objects(world.bus.names.buckets.artifacts).get(key)) ?? []).toString());
    }
  }
  const everything = [...seen, ...world.logged].join('\n');
  assert.ok(everything.includes('[masked]') && world.logged.join('').includes('/v1/kv/data/team'));
  for (const [name, secret] of Object.entries(canaries))
    for (const form of formsOf(secret)) assert.equal(everything.includes(form), false, `${name} as ${form}`);
});

test('what one step left in a file is masked when another reads it', async (t) => {
  process.env['CANARY_ENV'] = canaries.env;
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  const seen: string[] = [];
  world.bus.listen('>', ({ data }) => void seen.push(Buffer.from(data).toString()));
  await world.start(newExecutor(), { CAPSTAN_UNSAFE_HOST_SHELL: '1', CAPSTAN_SECRETS_ALLOW: 'env:CANARY_*' });
  const run = async (step_id: string, input: Record<string, Json>) =>
    world.report(await world.order({ queue: 'executor', capability: 'shell', task_id: 'one', step_id, input }));
  const env = { T: { $secret: 'env:CANARY_ENV' } };
  await run('writes', { shell: true, command: 'printf %s "$T" > .npmrc', env });
  const read = await run('reads', { command: ['cat', '.npmrc'], artifacts: ['.npmrc'] });
  assert.equal((read.output as { stdout: string }).stdout, '[masked]');
  const ref = read.artifacts?.[0]?.ref ?? '';
  const key = ref.slice(ref.indexOf('/') + 1);
  const stored = Buffer.from((await world.bus.objects(world.bus.names.buckets.artifacts).get(key)) ?? []).toString();
  assert.equal(stored, '*'.repeat(canaries.env.length));
  assert.equal([...seen, ...world.logged].join('').includes(canaries.env), false);
});
