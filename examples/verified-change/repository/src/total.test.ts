import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from './total.ts';

test('prices are taken as often as there are', () => {
  const lines = [
    { price: 2, count: 3 },
    { price: 5, count: 1 },
  ];
  assert.equal(total(lines), 11);
});
