import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { z } from 'zod';
import { ConfigMistake } from './config-mistake.ts';
import { loadConfig } from './config.ts';

const section = {
  schema: z.strictObject({
    concurrency: z.int().min(1).optional(),
    http: z.strictObject({ allow: z.array(z.string()).default([]) }).prefault({}),
  }),
  environment: { CAPSTAN_HTTP_ALLOW: { path: ['http', 'allow'], as: 'list' } },
} as const;

const folder = (t: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'capstan-config-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

const write = (t: TestContext, text: string): string => {
  const file = join(folder(t), 'capstan.yaml');
  writeFileSync(file, text);
  return file;
};

const mistake = (env: Record<string, string>): string => {
  try {
    loadConfig('executor', section, env);
  } catch (error) {
    assert.ok(error instanceof ConfigMistake, String(error));
    assert.equal(error.message.split('\n').length, 1);
    return error.message;
  }
  return assert.fail('nothing was found wrong');
};

test('works with nothing said', () => {
  const config = loadConfig('executor', section, {});
  assert.equal(config.nats.url, 'nats://127.0.0.1:4222');
  assert.equal(config.namespace, 'capstan');
  assert.equal(config.log.level, 'info');
  assert.equal(config.unsafe_host_shell, false);
  assert.deepEqual(config.own, { http: { allow: [] } });
  assert.match(config.instance, /^[0-9a-f]{8}$/);
});

test('the local file goes over the base file, and the environment over both', (t) => {
  const file = write(
    t,
    'namespace: one\nlog:\n  level: warn\nnats:\n  url: nats://a:1\n  user: u\nexecutor:\n  concurrency: 2\n',
  );
  writeFileSync(
    file.replace('.yaml', '.local.yaml'),
    'nats:\n  url: nats://b:2\nexecutor:\n  http:\n    allow: [x:1]\n',
  );
  const config = loadConfig('executor', section, {
    CAPSTAN_CONFIG: file,
    CAPSTAN_LOG_LEVEL: 'debug',
    CAPSTAN_HTTP_ALLOW: 'y:2, z:3',
  });
  assert.equal(config.namespace, 'one');
  assert.deepEqual(config.nats, { url: 'nats://b:2', user: 'u', strict: false });
  assert.equal(config.log.level, 'debug');
  assert.deepEqual(config.own, { concurrency: 2, http: { allow: ['y:2', 'z:3'] } });
});

test('an empty variable counts as not set, as Compose writes it', () => {
  assert.equal(loadConfig('executor', section, { CAPSTAN_LOG_LEVEL: '' }).log.level, 'info');
});

test('a section of another service is passed over', (t) => {
  const file = write(t, 'coordinator:\n  partitions: 8\nmy-own-agent:\n  anything: 1\n');
  assert.deepEqual(loadConfig('executor', section, { CAPSTAN_CONFIG: file }).own, { http: { allow: [] } });
});

test('a wrong value is explained with file, line, path, what was expected and what to do', (t) => {
  const file = write(t, 'namespace: one\nlog:\n  level: loud\n');
  assert.equal(
    mistake({ CAPSTAN_CONFIG: file }),
    `${file}:3: log.level must be one of trace, debug, info, warn, error, fatal, silent; it is "loud". Correct it, or remove it to have the default.`,
  );
});

test('a wrong value in the environment names the variable', () => {
  assert.match(mistake({ CAPSTAN_HEALTH_PORT: 'http' }), /^CAPSTAN_HEALTH_PORT: must be a number; it is "http"\./);
  assert.match(
    mistake({ CAPSTAN_HEALTH_PORT: '70000' }),
    /^CAPSTAN_HEALTH_PORT: health\.port must be at most 65535; it is 70000\./,
  );
  assert.match(mistake({ CAPSTAN_UNSAFE_HOST_SHELL: 'perhaps' }), /^CAPSTAN_UNSAFE_HOST_SHELL: must be 1 or 0/);
});

test('a mistyped setting is told what was meant', (t) => {
  const inside = write(t, 'log:\n  levle: info\n');
  assert.equal(mistake({ CAPSTAN_CONFIG: inside }), `${inside}:2: log.levle is not a setting. Did you mean level?`);
  const top = write(t, '\nexecuter:\n  concurrency: 1\n');
  assert.equal(mistake({ CAPSTAN_CONFIG: top }), `${top}:2: executer is not a setting. Did you mean executor?`);
  const own = write(t, 'executor:\n  http:\n    alow: []\n');
  assert.equal(mistake({ CAPSTAN_CONFIG: own }), `${own}:3: executor.http.alow is not a setting. Did you mean allow?`);
});

test('a file that is absent or no YAML is explained', (t) => {
  assert.match(
    mistake({ CAPSTAN_CONFIG: '/nowhere/capstan.yaml' }),
    /^\/nowhere\/capstan\.yaml: there is no such file\. Point CAPSTAN_CONFIG/,
  );
  const broken = write(t, 'log:\n  level: "info\nx: 1\n');
  assert.match(mistake({ CAPSTAN_CONFIG: broken }), new RegExp(`^${broken}:\\d+: this is not YAML: `));
  const list = write(t, '- a\n- b\n');
  assert.equal(mistake({ CAPSTAN_CONFIG: list }), `${list}:1: expected settings as "name: value", found a list.`);
});

test('a group left empty has its defaults', (t) => {
  const file = write(t, 'log:\nexecutor:\n');
  assert.equal(loadConfig('executor', section, { CAPSTAN_CONFIG: file }).log.level, 'info');
});
