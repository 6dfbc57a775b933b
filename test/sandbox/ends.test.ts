// The files of a task go when it ends: for that the sandbox follows the tasks that left files here, and no other; also those from before its start.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskEnds } from '@capstan/kit';
import { hold, skip } from './support.ts';

/** Which tasks are followed just now, and what tells that one has ended. */
const recorded = () => {
  const followed = new Map<string, (status: 'succeeded' | 'failed') => void>();
  let changed = Promise.withResolvers<void>();
  const tell = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const ends: TaskEnds = {
    follow: (task, on) => {
      followed.set(task, on);
      tell();
      return () => {
        followed.delete(task);
        tell();
      };
    },
    isOpen: async () => false,
  };
  const until = async (...tasks: string[]): Promise<void> => {
    while ([...followed.keys()].toSorted().join(' ') !== tasks.join(' ')) await changed.promise;
  };
  return { ends, followed, until };
};

test('a task is followed from its first file on, until its files are gone', { skip }, async (t) => {
  const first = recorded();
  const held = await hold(t, {}, first.ends);
  assert.equal(first.followed.size, 0);
  for (const task_id of ['one', 'two']) {
    const opened = await held.workspace({ task_id });
    await opened.write([{ path: 'a', data: 'a' }]);
    opened.release();
  }
  await first.until('one', 'two');
  // It may be tried again, and then its files are wanted.
  first.followed.get('one')?.('failed');
  first.followed.get('two')?.('succeeded');
  await first.until('one');
  // Whoever starts anew on the same engine finds what was left.
  const second = recorded();
  await hold(t, { CAPSTAN_SANDBOX_SCOPE: held.scope }, second.ends);
  await second.until('one');
  second.followed.get('one')?.('succeeded');
  await second.until();
  assert.equal(await (await held.workspace({ task_id: 'one' })).read('a'), null);
});
