import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

test('finds a mistyped, a swapped and a differently cased name', () => {
  const known = ['hello', 'demo', 'deploy-feature'];
  assert.equal(nearest('helo', known), 'hello');
  assert.equal(nearest('dmeo', known), 'demo');
  assert.equal(nearest('Deploy-Features', known), 'deploy-feature');
});

test('suggests nothing where nothing is near', () => {
  assert.equal(nearest('invoice', ['hello', 'demo']), null);
  assert.equal(nearest('x', []), null);
});
