// Rules: what a record has no room for fails its attempt, with a sentence; it never makes a task that can't be stored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import { dependenciesIssue } from '../plan/dependencies.ts';
import { recordOf } from '../snapshot.ts';
import type { TaskState } from '../state.ts';
import { given, step } from '../testing.ts';

const artifacts = (count: number, letters = 100) =>
  Array.from({ length: count }, (_, at) => ({
    name: `report-${at}-${'x'.repeat(letters)}`,
    size: at,
    sha256: 'a'.repeat(64),
    ref: `capstan_artifacts/t1/a/1/report-${at}-${'x'.repeat(letters)}`,
  }));

test('five steps with hundreds of artifacts each: those that no longer fit fail, and what is stored fits a message', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const world = given({ steps: names.map((name) => step(name)) });
  for (const name of names) world.report(name, { artifacts: artifacts(450) });
  assert.deepEqual([world.step('a').status, world.step('b').status], ['succeeded', 'awaiting_input']);
  assert.equal(world.step('b').error?.code, 'too_large');
  assert.match(
    world.step('b').error?.message ?? '',
    /list of 450 artifacts has \d+ bytes, .* Pack many files into one/,
  );
  const stored = recordOf(world.state as TaskState, { whole: false });
  assert.ok(Buffer.byteLength(JSON.stringify(stored)) < 512 * 1_024);
  assert.deepEqual(stored.artifacts, [], 'not twice');
  assert.equal(recordOf(world.state as TaskState, { whole: true }).artifacts.length, 450);
});

test('a question with more state than is kept fails', () => {
  const world = given({ steps: [step('a')] });
  const ask = (bytes: number) =>
    world.report('a', { outcome: 'question', question: { text: 'Which?', state: 'x'.repeat(bytes) } });
  ask(limits.questionBytesMax);
  assert.equal(world.step('a').error?.code, 'too_large');
});

test('a plan repeats what its steps wait for in each of them: so much, and no more', () => {
  const noop = (id: string, ...depends_on: string[]) => ({ id, capability: 'noop', depends_on });
  const many = Array.from({ length: 1_000 }, (_, at) => noop(`step-with-a-rather-long-name-as-people-give-them-${at}`));
  const names = many.map(({ id }) => id);
  const joins = (count: number) => Array.from({ length: count }, (_, at) => noop(`join${at}`, ...names));
  assert.equal(dependenciesIssue({ steps: [...many, ...joins(5)] }), null);
  assert.match(dependenciesIssue({ steps: [...many, ...joins(60)] })?.issue ?? '', /at most that many are taken/);
});
