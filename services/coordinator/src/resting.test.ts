// Who may be let go of, and who is needed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import type { Actor } from './actor.ts';
import type { Progress } from './checkpoint.ts';
import { letRest } from './resting.ts';
import type { World } from './world.ts';

const idle = { dirtySince: 0, dirtyFrom: null, writingFrom: null, unsaid: 0, held: 0 };

test('an open task rests once it is stored and nothing has happened in it for a while; what still has to be said or heard stays', () => {
  let look = () => {};
  let ended = false;
  const now = limits.restAfterMs + 1;
  const world = {
    clock: {
      now: () => now,
      every: (_: number, call: () => void) => {
        look = call;
        return () => void (ended = true);
      },
    },
  } as unknown as World;
  const actors = new Map(
    Object.entries({
      idle,
      timed: idle,
      young: { ...idle, dirtySince: now - limits.restAfterMs + 1 },
      dirty: { ...idle, dirtyFrom: { seq: 1, at: 1 } },
      writing: { ...idle, writingFrom: { seq: 1, at: 1 } },
      unsaid: { ...idle, unsaid: 1 },
      held: { ...idle, held: 1 },
      routing: idle,
      arriving: idle,
      unlisted: idle,
    }).map(([id, parts]) => [id, { id, ...parts } as unknown as Actor]),
  );
  const open = new Map(
    [...actors.keys()].map((id) => [id, { due: id === 'timed' ? 7 : null, routing: id === 'routing' }]),
  );
  open.delete('unlisted');
  const rested: [string, number | null][] = [];
  const stop = letRest({
    world,
    actors,
    progress: { open } as unknown as Progress,
    isNeeded: (task) => task === 'arriving',
    rest: (actor, due) => {
      actors.delete(actor.id);
      rested.push([actor.id, due]);
    },
  });
  look();
  assert.deepEqual(rested, [
    ['idle', null],
    ['timed', 7],
  ]);
  stop();
  assert.equal(ended, true);
});
