import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newMask } from './masking.ts';
import { Stopped } from './outcome.ts';
import { resolveSecrets } from './secrets.ts';

const env = { TOKEN: 'tok-12345', PIN: '12', CAPSTAN_NATS_PASSWORD: 'bus-password', CAPSTAN_SECRET_X: 'mine-12345' };
const source = { allow: ['env:*'], env };

const codeOf = async (value: unknown, allow: readonly string[] = ['env:*']): Promise<string> => {
  try {
    await resolveSecrets(value, { allow, env }, []);
    return 'given';
  } catch (error) {
    assert.ok(error instanceof Stopped);
    assert.equal(error.outcome.retryable, false);
    return error.outcome.code;
  }
};

const folder = (t: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'capstan-secrets-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

test('resolves secrets anywhere in a value, leaves the rest, and masks them', async () => {
  const mask = newMask();
  const input = {
    headers: { authorization: { $secret: 'env:TOKEN' } },
    list: [1, { $secret: 'env:CAPSTAN_SECRET_X' }],
    a: null,
  };
  const out = await resolveSecrets(input, source, [mask]);
  assert.deepEqual(out, { headers: { authorization: 'tok-12345' }, list: [1, 'mine-12345'], a: null });
  assert.equal(mask.text('tok-12345 mine-12345'), '[masked] [masked]');
  assert.equal(input.headers.authorization.$secret, 'env:TOKEN');
});

test('an object that merely has such a key among others is no secret', async () => {
  const value = { $secret: 'env:TOKEN', other: 1 };
  assert.deepEqual(await resolveSecrets(value, source, []), value);
});

test('refuses what is not allowed, absent, unknown or too short to mask', async () => {
  assert.equal(await codeOf({ $secret: 'env:TOKEN' }, ['env:OTHER_*']), 'secret_forbidden');
  assert.equal(await codeOf({ $secret: 'env:CAPSTAN_NATS_PASSWORD' }), 'secret_forbidden');
  assert.equal(await codeOf({ $secret: 'env:NOT_SET' }), 'secret_missing');
  assert.equal(await codeOf({ $secret: 'env:PIN' }), 'secret_too_short');
  assert.equal(await codeOf({ $secret: 'vault:kv/x' }), 'secret_unsupported');
  assert.equal(await codeOf({ $secret: 'TOKEN' }), 'secret_unsupported');
});

test('a file must be allowed, and neither dots nor links lead out', async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'in'));
  writeFileSync(join(dir, 'in', 'good'), 'file-secret\n');
  writeFileSync(join(dir, 'outside'), 'not yours\n');
  symlinkSync(join(dir, 'outside'), join(dir, 'in', 'link'));
  symlinkSync(join(dir, 'in'), join(dir, 'mounted'));
  const allow = [`file:${dir}/in/*`];
  assert.equal(await resolveSecrets({ $secret: `file:${dir}/in/good` }, { allow, env }, []), 'file-secret');
  assert.equal(
    await resolveSecrets({ $secret: `file:${dir}/mounted/good` }, { allow: [`file:${dir}/mounted/*`], env }, []),
    'file-secret',
  );
  assert.equal(await codeOf({ $secret: `file:${dir}/outside` }, allow), 'secret_forbidden');
  assert.equal(await codeOf({ $secret: `file:${dir}/in/../outside` }, allow), 'secret_forbidden');
  assert.equal(await codeOf({ $secret: `file:${dir}/in/link` }, allow), 'secret_forbidden');
  assert.equal(await codeOf({ $secret: `file:${dir}/in/none` }, allow), 'secret_missing');
});
