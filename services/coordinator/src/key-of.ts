// The key that makes a task's tokens, for whoever must say an event of it without having it in memory.
import { Refusal } from './doors/refusal.ts';
import { submissionOf } from './submission-of.ts';
import type { World } from './world.ts';

export const keyOf = async (world: World, task: string): Promise<string> => {
  const began = await submissionOf(world, task);
  if (began === null) throw new Refusal('not_found', `There is no task "${task}".`);
  return began.body.key;
};
