// Whoever keeps the log is named: a task that stays open, and no other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import type { Progress } from '../checkpoint.ts';
import type { Listed } from '../lists/listed.ts';
import type { World } from '../world.ts';
import { defaultKeeping } from '../keeping.ts';
import { newLogHolder } from './log-holder.ts';

const now = Date.UTC(2026, 5, 1);

/** What is said of a partition whose oldest task is this one, at two looks soon after each other. */
const saidOf = async (oldest: Partial<Listed> | null): Promise<object[]> => {
  const said: object[] = [];
  const one =
    oldest === null ? null : { id: 'old', group: 'default running', first: 7, ended: 0, created: 0, ...oldest };
  const world = {
    clock: { now: () => now },
    keeping: defaultKeeping,
    log: { warn: (fields: object) => void said.push(fields) },
  } as unknown as World;
  const look = newLogHolder(world, 3, { lists: { tasks: { oldest: async () => one } } } as unknown as Progress);
  await look();
  await look();
  return said;
};

test('a task that is open for longer than others are kept is named, with the event from which on the log stays', async () => {
  const created = now - limits.keepTasksMs - 1;
  assert.deepEqual(await saidOf({ created }), [
    { partition: 3, task: 'old', since: new Date(created).toISOString(), event: 7 },
  ]);
  assert.deepEqual(await saidOf({ created: now - limits.keepTasksMs + 1 }), []);
  assert.deepEqual(await saidOf({ created, ended: created + 1 }), []);
  assert.deepEqual(await saidOf(null), []);
});
