// The rehearsal is over by itself, and leaves nothing that would keep a process alive.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rehearse } from './rehearse.ts';

test('every made-up task is done', async () => {
  assert.equal(await rehearse(60_000), true);
});

test('one that takes too long is broken off in the middle, and its coordinator stops all the same', async () => {
  assert.equal(await rehearse(100), false);
});
