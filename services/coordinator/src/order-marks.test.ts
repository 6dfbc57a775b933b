// Which orders nobody will say again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newOrderMarks } from './order-marks.ts';

test('an order counts as passed once the checkpoint is where the log was when it was stored, and no sooner', () => {
  const marks = newOrderMarks();
  marks.sample({ event: 10, order: 100, at: 1_000 });
  marks.sample({ event: 20, order: 200, at: 2_000 });
  assert.equal(marks.passed(9, 100_000, 0), 0, 'events after 9 may order anew what is stored up to 100');
  assert.equal(marks.passed(10, 100_000, 0), 100);
  assert.equal(marks.passed(19, 100_000, 0), 100);
  assert.equal(marks.passed(25, 100_000, 0), 200);
  assert.equal(marks.passed(5, 100_000, 0), 200, 'a checkpoint never goes back');
});

test('a name stays for as long as anybody may say it', () => {
  const marks = newOrderMarks();
  marks.sample({ event: 10, order: 100, at: 1_000 });
  assert.equal(marks.passed(50, 60_999, 60_000), 0);
  assert.equal(marks.passed(50, 61_000, 60_000), 100);
});
