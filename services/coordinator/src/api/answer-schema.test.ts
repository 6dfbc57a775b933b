import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerIssues } from './answer-schema.ts';

const schema = {
  type: 'object',
  required: ['branch'],
  properties: { branch: { type: 'string', enum: ['main', 'next'] } },
};

test('an answer that the question asked for passes, another one is told where it is wrong', () => {
  assert.deepEqual(answerIssues(schema, { branch: 'main' }), []);
  assert.deepEqual(
    answerIssues(schema, { branch: 'dev' }).map(({ path }) => path),
    ['value.branch'],
  );
  assert.match(answerIssues(schema, {})[0]?.issue ?? '', /branch/);
  assert.equal(answerIssues({ type: 'number' }, 'one').length, 1);
});

test('a schema that can not be followed, or would never end, stops nobody from answering', () => {
  assert.deepEqual(answerIssues({ $ref: '#' }, 1), []);
  assert.deepEqual(answerIssues({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(40)}!`), []);
  assert.deepEqual(answerIssues('nonsense', 1), []);
});
