// What the real CLI printed, read again. The CLI itself is run by test/sandbox/pulumi.test.ts, where it is there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { appliedIn, errorsIn } from './events.ts';
import { readPlan } from './plan.ts';

const sample = (name: string): string => readFileSync(join(import.meta.dirname, 'samples', `${name}.out`), 'utf8');
const planIn = (printed: string) => readPlan('production', printed)?.plan ?? assert.fail('it is not read');

test('a preview: what happens to each resource, and what of it, where the provider does not say', () => {
  const plan = planIn(sample('preview'));
  assert.deepEqual(plan.changes, { create: 1, delete: 1, replace: 1, same: 1, update: 1 });
  assert.deepEqual(
    plan.steps.map(({ op, type, name, properties }) => [op, type, name, properties.join()]),
    [
      ['create', 'pulumi-nodejs:dynamic/app:File', 'more', ''],
      ['update', 'pulumi-nodejs:dynamic/app:File', 'assets', 'content'],
      ['replace', 'pulumi-nodejs:dynamic/app:File', 'logs', 'name'],
      ['delete', 'pulumi-nodejs:dynamic/app:File', 'old', ''],
    ],
  );
  assert.equal(plan.destructive, true);
  assert.deepEqual(
    plan.diagnostics.map(({ severity, message }) => [severity, message.split(/[(.]/)[0]]),
    [
      ['warning', 'Could not find a package'],
      ['warning', 'Undefined value '],
    ],
  );
  assert.match(
    plan.summary,
    /^Stack production: 1 to create, 1 to delete, 1 to replace, 1 to update; 1 stay as they are\.$/m,
  );
  assert.doesNotMatch(JSON.stringify(plan), /"y"|canary|require/, 'a value is shown');
});

test('the fingerprint is of what would change: not of when it was looked at, and of values as well', () => {
  const printed = sample('preview');
  const { fingerprint } = planIn(printed);
  const later = printed
    .replaceAll(/"(created|modified)": "[^"]*"/g, '"$1": "2030-01-01T00:00:00Z"')
    .replace(/"duration": \d+/, '"duration": 1');
  assert.notEqual(later, printed);
  assert.equal(planIn(later).fingerprint, fingerprint);
  const sly = printed.replace('"content": "y"', '"content": "z"');
  assert.notEqual(sly, printed);
  assert.notEqual(planIn(sly).fingerprint, fingerprint);
});

test('an update: how many of what, and how long', () => {
  const { changes, duration_ms: ms } = appliedIn(sample('up'));
  assert.deepEqual([changes, ms > 0], [{ create: 4 }, true]);
  assert.equal(errorsIn(sample('up')), null);
});

test('what fails is said in its words', () => {
  const { diagnostics } = planIn(sample('preview-failed'));
  assert.match(
    diagnostics.find(({ severity }) => severity === 'error')?.message ?? '',
    /^pulumi-nodejs:dynamic\/app:File resource 'assets': property content value \{refused\} has a problem: this content is refused$/,
  );
  assert.match(errorsIn(sample('up-failed')) ?? '', /^AccessDenied: it may not be made\nupdate failed$/);
});
