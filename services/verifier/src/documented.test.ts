// docs/verifying.md says what there is: the file of a repository that it shows is one that is taken, and every format and finder is on it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { check } from './check.ts';
import { readChecks } from './checks.ts';
import { formats } from './findings.ts';
import { readConfig } from './pipeline/config.ts';
import { finders } from './pipeline/finders/index.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/verifying.md'), 'utf8');
const shown = (kind: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([^]*?)\\n\`\`\`$`, 'gm'))].map(([, text = '']) => text);

test('the file of a repository is one that is taken', () => {
  const [file = '', ...more] = shown('yaml');
  assert.deepEqual(more, []);
  const read = readConfig(file);
  assert.ok(!('mistake' in read), JSON.stringify(read));
  assert.deepEqual(Object.keys(read), ['build', 'test', 'security', 'custom', 'thresholds']);
});

test('every check in a plan is one that is taken', () => {
  const plans = shown('json(?: run)?').map((text) => JSON.parse(text) as { steps: { verify?: unknown[] }[] });
  const checks = plans.flatMap(({ steps }) => steps.flatMap(({ verify = [] }) => verify));
  assert.ok(checks.length >= 5);
  assert.equal(readChecks(checks).length, checks.length);
});

test('every format, finder and word about a check is on the page', () => {
  const files = finders.map(({ files: [first = ''] }) => first);
  for (const word of [...formats(), ...files, ...Object.keys(check.shape)])
    assert.ok(page.includes(`\`${word}\``), word);
});
