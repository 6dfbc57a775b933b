// Rules: `${{ … }}` in an input is replaced when the step is dispatched. It is looked up, never computed; what isn't there fails the step.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '@capstan/contracts';
import { given, step } from '../testing.ts';

/** What a step gets whose input is `input`, after a step "a" that gave `output`. */
const inputAfter = (input: unknown, output: Json = { n: 1, deep: { list: ['x', 'y'] }, text: 'hello' }): unknown => {
  const plan = {
    params: { branch: 'main', nothing: null },
    phases: [{ name: 'dev' }],
    steps: [step('a'), step('b', 'a', { input: { value: input } })],
  };
  const world = given({ task_id: 't1', title: 'Release', metadata: { ticket: 7 }, plan }).report('a', { output });
  const { error } = world.step('b');
  return error === null ? (world.lastOrder('b').input as { value: unknown }).value : `${error.code}: ${error.message}`;
};

test('a string that is nothing but one expression keeps the type of the value', () => {
  assert.equal(inputAfter('${{ steps.a.output.n }}'), 1);
  assert.deepEqual(inputAfter('${{ steps.a.output.deep }}'), { list: ['x', 'y'] });
  assert.equal(inputAfter('${{ steps.a.output.deep.list[1] }}'), 'y');
  assert.equal(inputAfter('${{ params.nothing }}'), null);
});

test('within a text, values are written out', () => {
  assert.equal(
    inputAfter('${{ steps.a.output.text }} from ${{ params.branch }}: ${{ steps.a.output.deep }}'),
    'hello from main: {"list":["x","y"]}',
  );
});

test('references are found at any depth, and other texts are left alone', () => {
  assert.deepEqual(inputAfter({ list: [{ x: '${{ task.id }}' }, '$HOME', '${NOT_ONE}', '{{ neither }}'] }), {
    list: [{ x: 't1' }, '$HOME', '${NOT_ONE}', '{{ neither }}'],
  });
});

test('a task can be read by its fields, a phase by its loops', () => {
  assert.deepEqual(inputAfter(['${{ task.title }}', '${{ task.metadata.ticket }}', '${{ loop.dev }}']), [
    'Release',
    7,
    0,
  ]);
});

test('a step that is not waited for has given nothing yet, which is said', () => {
  const world = given({ steps: [step('a', { input: { n: '${{ steps.b.output.n }}' } }), step('b')] });
  assert.equal(
    world.step('a').error?.message,
    '"steps.b.output.n" does not exist yet: "b" has not ended; let "a" depend on it',
  );
});

test('a path that does not exist fails the step, and is named', () => {
  assert.equal(
    inputAfter('${{ steps.a.output.nope }}'),
    'unresolved_reference: "steps.a.output.nope" does not exist: there is no "nope" in it',
  );
  for (const path of [
    'steps.zzz.output',
    'params.nope',
    'task.nope',
    'loop.nope',
    'each.item',
    'env.HOME',
    'params',
    '1 + 1',
    'steps..a',
  ]) {
    assert.match(String(inputAfter(`\${{ ${path} }}`)), /^unresolved_reference: /, path);
  }
});

test('only own properties are reached', () => {
  for (const path of [
    'params.constructor',
    'params.__proto__',
    'steps.a.output.toString',
    'steps.constructor',
    'loop.constructor',
    'task.hasOwnProperty',
    'constructor.name',
  ]) {
    assert.match(String(inputAfter(`\${{ ${path} }}`)), /^unresolved_reference: /, path);
  }
});

test('what a reference gave is not looked into for further references', () => {
  assert.equal(inputAfter('${{ steps.a.output.text }}', { text: '${{ params.branch }}' }), '${{ params.branch }}');
});

test('a secret is left for the agent, and no expression may become part of one', () => {
  assert.deepEqual(inputAfter({ $secret: 'env:${{ params.branch }}' }), { $secret: 'env:${{ params.branch }}' });
});

test('an agent can not smuggle a secret into the input of another step', () => {
  assert.match(
    String(inputAfter('${{ steps.a.output }}', { token: { $secret: 'env:AWS_KEY' } })),
    /holds a secret, which no expression may hand on/,
  );
});

test('an output in the object store is handed on as a whole, but not looked into', () => {
  const stored = { $ref: 'capstan_artifacts/t1/a/1/output.json', size: 9_000, sha256: 'abc' };
  assert.deepEqual(inputAfter('${{ steps.a.output }}', stored), stored);
  assert.match(
    String(inputAfter('${{ steps.a.output.n }}', stored)),
    /too large to be kept in the task.*not be looked into/,
  );
  assert.match(String(inputAfter('it gave ${{ steps.a.output }}', stored)), /not be written into a text/);
});

test('odd keys travel as they are', () => {
  const odd = JSON.parse('{ "__proto__": { "x": 1 }, "constructor": 2 }') as Json;
  assert.equal(JSON.stringify(inputAfter('${{ steps.a.output }}', odd)), JSON.stringify(odd));
  assert.equal(
    JSON.stringify(inputAfter(JSON.parse('{ "__proto__": "${{ params.branch }}" }'))),
    '{"__proto__":"main"}',
  );
});

test('a family gives the list of what its members gave; a member is read by its own name', () => {
  const world = given({
    steps: [
      step('f', { each: { count: 2 } }),
      step('join', 'f', { input: { all: '${{ steps.f.output }}', one: '${{ steps.f-1.output.n }}' } }),
    ],
  });
  world.report('f-0', { output: { n: 0 } }).report('f-1', { output: { n: 1 } });
  assert.deepEqual(world.lastOrder('join').input, { all: [{ n: 0 }, { n: 1 }], one: 1 });
});

test('an order is put aside as it was written where its references can no longer be resolved', () => {
  const plan = {
    phases: [{ name: 'p', feedback_to: 'p', max_loops: 1 }],
    steps: [
      step('a', { phase: 'p' }),
      step('b', 'a', { phase: 'p', input: { v: '${{ steps.a.output.v }}' }, retry: { max_attempts: 1 } }),
    ],
  };
  const world = given({ plan })
    .report('a', { output: { v: 1 } })
    .fail('b')
    .report('a', { output: {} });
  assert.equal(world.step('b').error?.code, 'unresolved_reference');
});
