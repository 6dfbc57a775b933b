// The key that makes a task's tokens, for whoever must say an event of it without having it in memory.
import { partitionOf } from '@capstan/bus';
import { Refusal } from './doors/refusal.ts';
import { hear, submittedFrom } from './hear.ts';
import type { World } from './world.ts';

export const keyOf = async (world: World, task: string): Promise<string> => {
  const message = await world.bus.log(world.names.streams.events).last(world.names.event(partitionOf(task, world.partitions), task, 'submitted', '*'));
  const heard = message === null ? null : hear(world, message);
  const body = heard === null ? null : submittedFrom(world, heard);
  if (body === null) throw new Refusal('not_found', `There is no task "${task}".`);
  return body.key;
};
