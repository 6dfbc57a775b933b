// The rehearsal is over by itself, and leaves nothing that would keep a process alive.
import { test } from 'node:test';
import { defaultSettings } from '@capstan/contracts';
import { rehearse } from './rehearse.ts';

test('every made-up task is done', async () => {
  await rehearse(defaultSettings);
});
