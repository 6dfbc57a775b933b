// The checked-in JSON Schema files say what the zod schemas say.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorCodes } from './api.ts';
import { schemaDirectory, schemaFiles } from './generate.ts';

const stale = 'run `node packages/contracts/src/generate.ts` and commit what it writes';

test('each file is what its zod schema generates', () => {
  for (const [name, text] of schemaFiles()) {
    assert.equal(readFileSync(schemaDirectory + name, 'utf8'), text, `${name} is out of date: ${stale}`);
  }
});

test('there is no file without a schema', () => {
  const present = readdirSync(schemaDirectory).filter((name) => name.endsWith('.json'));
  assert.deepEqual(present.sort(), [...schemaFiles().keys()].sort(), stale);
});

test('each file has an id of its own, a description, and lets unknown fields pass', () => {
  for (const [name, text] of schemaFiles()) {
    const schema = JSON.parse(text) as Record<string, unknown>;
    assert.equal(schema.$id, `urn:capstan:schema:v1:${name.replace('.json', '')}`);
    assert.match(String(schema.description), /^[A-Z].+\.$/, `${name} says what it is`);
    assert.equal(schema.type, 'object', `${name} is a body, and bodies are objects`);
    assert.deepEqual(schema.additionalProperties, {}, `${name} must keep fields that it does not know`);
  }
});

test('generating twice gives the same bytes', () => {
  assert.deepEqual(schemaFiles(), schemaFiles());
});

test('the rules that JSON Schema can hold are in the files', () => {
  const read = (name: string) => JSON.parse(readFileSync(`${schemaDirectory}${name}.json`, 'utf8'));
  assert.deepEqual(
    read('submission').anyOf.map((one: { required: string[] }) => one.required[0]),
    ['plan', 'plan_ref', 'template', 'title'],
    'a task needs one of these to be planned from',
  );
  const time = new RegExp(read('submission').properties.deadline.pattern);
  assert.ok(time.test('2026-12-01') && time.test('2026-12-01T09:00:00Z') && !time.test('tomorrow'));
  assert.ok(new RegExp(read('submission').properties.plan_ref.properties.sha256.pattern).test('AB'.repeat(32)));
  assert.deepEqual(read('error').properties.error.properties.code.enum, Object.keys(errorCodes));
  assert.deepEqual(read('plan').properties.steps.items.required, ['id', 'capability'], 'only these two are required');
});
