// Tasks, and other actors, under rules that this process does not know yet: a newer version of Capstan took them in while it is rolled out, or was rolled back since.
// Nothing is decided on them here, and the checkpoint stays below what was heard of them, so that whoever knows their rules finds everything.
import { actorKindOf } from '@capstan/contracts';
import { earlier, type Mark } from './actor.ts';
import type { Heard } from './hear.ts';
import type { World } from './world.ts';

export class NewerRules extends Error {
  override readonly name = 'NewerRules';
}

export interface Ahead {
  has(task: string): boolean;
  /** Whether the rules of a task, or of another actor, are too new; then it is left alone, with what was heard. */
  meets(heard: Heard, rules: number): boolean;
  /** Leaves a task alone from now on; its partition is to be somebody else's. */
  leave(task: string, error: NewerRules): void;
  /** Whether an event is of such a task. */
  stops(heard: Heard): boolean;
  /** The first event that nobody here decided on. */
  uncovered(): Mark | null;
}

export const newAhead = (world: World, partition: number): Ahead => {
  const tasks = new Set<string>();
  let from: Mark | null = null;
  const ahead: Ahead = {
    has: (task) => tasks.has(task),
    meets: (heard, rules) => {
      if (rules <= world.rules) return false;
      ahead.leave(heard.task, newerRules(world, heard.task, rules));
      return ahead.stops(heard);
    },
    leave: (task, error) => {
      if (tasks.has(task)) return;
      tasks.add(task);
      world.log.warn(
        { err: error, task, partition },
        'this is for a newer coordinator, which is let have its partition',
      );
      world.membership.fallBehind(partition);
    },
    stops: ({ task, message }) => {
      if (tasks.size === 0 || !tasks.has(task)) return false;
      from = earlier(from, { seq: message.seq, at: message.at });
      return true;
    },
    uncovered: () => from,
  };
  return ahead;
};

export const newerRules = (world: World, task: string, rules: number): NewerRules =>
  new NewerRules(
    actorKindOf(task) === null
      ? `task ${task} was submitted under rules ${rules}; this coordinator knows ${world.rules}`
      : `${task} is kept under rules ${rules}; this coordinator knows ${world.rules}`,
  );
