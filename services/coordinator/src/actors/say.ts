// Events of actors: signed with the ring's present key, which the body names, as it does the rules that all who are here know: an actor has no
// submission that fixed either.
import type { Said } from '@capstan/bus';
import type { Effect } from '@capstan/contracts';
import type { Actor } from '../actor.ts';
import { sayEvent } from '../say.ts';
import type { World } from '../world.ts';

export const sayOfActor = (
  world: World,
  id: string,
  name: readonly (string | number)[],
  body: object,
  unless?: string,
): Promise<Said> => {
  const key = world.ring.current;
  return sayEvent(world, id, key, name, { ...body, v: 1, key, rules: world.membership.rules }, unless);
};

/** A task tells an actor something, and how its own events are signed, so that it can be answered. */
export const sayToActor = (
  world: World,
  task: Actor,
  { to, name, body }: Extract<Effect, { kind: 'say' }>,
): Promise<Said> => sayOfActor(world, to, name, { ...body, task_id: task.id, task_key: task.key });
