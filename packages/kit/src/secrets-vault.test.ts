// Against a local server that answers as Vault's HTTP API is documented to (KV version 2, `GET /v1/<mount>/data/<path>`).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newMask } from './masking.ts';
import { Stopped } from './outcome.ts';
import { resolveSecrets } from './secrets.ts';
import type { Vault } from './secrets-vault.ts';

const token = 'hvs.canary-token-of-the-agent';
const stored: Record<string, object> = {
  '/v1/kv/data/team/api': { token: 'canary-vault-4711', nested: { a: 'b' } },
};

const startVault = async (t: TestContext) => {
  const seen: IncomingMessage[] = [];
  let sealed = false;
  const server = createServer((request, response) => {
    seen.push(request);
    const answer = (status: number, body: object, more: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(body));
    if (sealed) return answer(503, { errors: ['Vault is sealed'] });
    if (request.headers['x-vault-token'] !== token) return answer(403, { errors: ['permission denied'] });
    if (request.url === '/v1/kv/data/away') return answer(307, {}, { location: 'http://127.0.0.1:1/' });
    const data = stored[request.url ?? ''];
    if (!data) return answer(404, { errors: [] });
    const metadata = { created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false, version: 3 };
    answer(200, { request_id: 'r', lease_id: '', renewable: false, lease_duration: 0, data: { data, metadata } });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, seen, seal: () => (sealed = true) };
};

const ask = async (name: string, vault: Vault | undefined, allow = ['vault:kv/*'], mask = newMask()) => {
  try {
    return await resolveSecrets({ $secret: `vault:${name}` }, { allow, env: {}, vault }, [mask]);
  } catch (error) {
    assert.ok(error instanceof Stopped);
    // What is said of it is a message for people: nothing secret may be in it.
    assert.doesNotMatch(error.outcome.message, /canary/);
    return `${error.outcome.code}${error.outcome.retryable ? ' for now' : ''}`;
  }
};

test('a key of a secret is read, masked, and so is the token that read it', async (t) => {
  const { address, seen } = await startVault(t);
  const mask = newMask();
  assert.equal(
    await ask('kv/team/api#token', { address, token, namespace: 'ns1' }, undefined, mask),
    'canary-vault-4711',
  );
  assert.equal(await ask('kv/team/api#nested', { address, token }), '{"a":"b"}');
  assert.equal(mask.text(`canary-vault-4711 ${token}`), '[masked] [masked]');
  assert.equal(seen[0]?.headers['x-vault-namespace'], 'ns1');
});

test('the token may come from a file that somebody else renews', async (t) => {
  const { address } = await startVault(t);
  const tokenFile = join(tmpdir(), `capstan-vault-token-${process.pid}`);
  assert.equal(await ask('kv/team/api#token', { address, tokenFile }), 'vault_unavailable for now');
  writeFileSync(tokenFile, `${token}\n`);
  assert.equal(await ask('kv/team/api#token', { address, tokenFile }), 'canary-vault-4711');
});

test('what is not allowed, not there, or no place in Vault is refused for good', async (t) => {
  const { address, seen } = await startVault(t);
  const vault = { address, token };
  assert.equal(await ask('other/team/api#token', vault), 'secret_forbidden');
  assert.equal(seen.length, 0);
  assert.equal(await ask('kv/team/none#token', vault), 'secret_missing');
  assert.equal(await ask('kv/team/api#none', vault), 'secret_missing');
  assert.equal(await ask('kv/team/api#constructor', vault), 'secret_missing');
  assert.equal(await ask('kv/team/api', vault), 'secret_unsupported');
  assert.equal(await ask('kv/../sys/mounts#a', vault), 'secret_unsupported');
  assert.equal(await ask('kv/team/api#token', { address, token: 'wrong-token' }), 'secret_forbidden');
  assert.equal(await ask('kv/team/api#token', undefined), 'secret_unsupported');
});

test('a Vault that is sealed, away, or sends elsewhere is worth another try, and the token is not sent on', async (t) => {
  const { address, seal } = await startVault(t);
  assert.equal(await ask('kv/away#x', { address, token }), 'vault_unavailable for now');
  seal();
  assert.equal(await ask('kv/team/api#token', { address, token }), 'vault_unavailable for now');
  assert.equal(await ask('kv/team/api#token', { address: 'http://127.0.0.1:1', token }), 'vault_unavailable for now');
});
