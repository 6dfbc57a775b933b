// Doing what an actor decided. As for tasks: each durable effect has a name, and no snapshot is written before the server has it.
import type { ActorEffect } from '@capstan/engine';
import type { Alarms } from '../alarms.ts';
import { sayEvent, untilStored } from '../say.ts';
import type { World } from '../world.ts';
import type { Hosted } from './host.ts';
import { sayOfActor } from './say.ts';

export interface ActorPerformer {
  perform(actor: Hosted, effects: readonly ActorEffect[]): void;
  forget(actor: Hosted): void;
}

export interface ActorPerformerParts {
  readonly world: World;
  readonly alarms: Alarms;
  /** Called whenever an actor is loaded or has decided. */
  shown(actor: Hosted): void;
}

export const actorPerformer = ({ world, alarms, shown }: ActorPerformerParts): ActorPerformer => {
  const durable = (actor: Hosted, what: string, say: () => Promise<unknown>) => {
    actor.unsaid += 1;
    untilStored(world, say).then(
      () => void (actor.unsaid -= 1),
      (error: unknown) => {
        world.log.error({ err: error, actor: actor.id }, `${what} could not be stored`);
        world.fatal(error);
      },
    );
  };
  const alarm = (actor: Hosted, n: number, at: number, ring: () => Promise<unknown>) =>
    alarms.set(actor.id, n, at, () => void ring().catch(world.fatal));

  const one = (actor: Hosted, effect: ActorEffect): void => {
    switch (effect.kind) {
      case 'tell': {
        const { to, name, body } = effect;
        return durable(actor, 'a word to a task', () =>
          sayEvent(world, to.task, to.key, ['told', ...name], { ...body, v: 1 }),
        );
      }
      case 'wake':
        return alarm(actor, effect.n, effect.at, () =>
          untilStored(world, () => sayOfActor(world, actor.id, ['woke', effect.n], {})),
        );
      case 'unwake':
        return alarms.clear(actor.id, effect.n);
      default:
        return effect satisfies never;
    }
  };

  return {
    perform: (actor, effects) => {
      for (const effect of effects) one(actor, effect);
      shown(actor);
    },
    forget: (actor) => alarms.forget(actor.id),
  };
};
