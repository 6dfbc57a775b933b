import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ConfigMistake } from './config-mistake.ts';
import { emptySection, loadConfig } from './config.ts';

const configured = (t: TestContext, base: string, files: Record<string, string>) => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-policies-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'capstan.yaml'), base);
  mkdirSync(join(folder, 'policies'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'policies', name), text);
  return () => loadConfig('coordinator', emptySection, { CAPSTAN_CONFIG: join(folder, 'capstan.yaml') });
};

test('each file in the folder beside the configuration is a policy, under its own name', (t) => {
  const load = configured(t, 'settings:\n  policies:\n    own:\n      - { name: listed, deny: "true" }\n', {
    'b.yaml': 'deny: step.risk == "high"\nmode: check\n',
    'a.yml': 'name: first\ndeny: "false"\n',
    'notes.txt': 'nothing',
  });
  assert.deepEqual(
    load().settings.policies.own.map(({ name, mode, on }) => [name, mode, on]),
    [
      ['listed', 'enforce', 'dispatch'],
      ['first', 'enforce', 'dispatch'],
      ['b', 'check', 'dispatch'],
    ],
  );
});

test('a mistake names the file, the line and what was expected', (t) => {
  const load = configured(t, '', { 'x.yaml': 'deny: "true"\nmode: maybe\n' });
  assert.throws(load, (error) => {
    assert.ok(error instanceof ConfigMistake);
    assert.match(error.message, /policies\/x\.yaml:2: .*mode.*enforce/);
    return true;
  });
});
