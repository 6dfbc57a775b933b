import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf } from './partition.ts';

test('a task stays where it is: these never change', () => {
  assert.deepEqual(
    ['feature-1087', 'a', '_ab12', 'T-000001'].map((id) => partitionOf(id)),
    [11, 19, 2, 18],
  );
});

test('ids that differ in a digit only are spread evenly', () => {
  const counts = Array.from({ length: 32 }, () => 0);
  for (let i = 0; i < 32_000; i++)
    counts[partitionOf(`task-${i}`, 32)] = (counts[partitionOf(`task-${i}`, 32)] as number) + 1;
  assert.ok(Math.min(...counts) > 850 && Math.max(...counts) < 1_150, counts.join(' '));
});
