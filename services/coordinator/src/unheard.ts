// What was genuinely said of a task and says nothing: how it is put aside.
import type { Burial } from '@capstan/bus';
import { corpseOf } from './doors/corpse.ts';
import type { Heard } from './hear.ts';
import type { World } from './world.ts';

export const burialOf = (world: World, heard: Heard, error: string): Burial => ({
  source: 'coordinator',
  reason: 'invalid',
  error,
  hint: 'Mend the agent that sent it; its attempt counts as lost when its time is over.',
  attempts: 1,
  task: heard.task,
  at: world.clock.now(),
  message: corpseOf(heard.message, world.names.streams.events),
});
