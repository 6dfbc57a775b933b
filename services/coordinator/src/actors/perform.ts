// Doing what an actor decided. As for tasks: each durable effect has a name, and no snapshot is written before the server has it.
import type { ActorEffect } from '@capstan/engine';
import type { Alarms } from '../alarms.ts';
import type { Admit } from '../doors/admit.ts';
import { keyOf } from '../key-of.ts';
import { sayEvent, untilStored } from '../say.ts';
import type { World } from '../world.ts';
import { dueBetween, nextAfter } from './cron.ts';
import type { Hosted } from './host.ts';
import { sayOfActor } from './say.ts';
import { submitFor } from './submit.ts';

export interface ActorPerformer {
  perform(actor: Hosted, effects: readonly ActorEffect[]): void;
  forget(actor: Hosted): void;
}

export interface ActorPerformerParts {
  readonly world: World;
  readonly alarms: Alarms;
  readonly admit: Admit;
  /** Called whenever an actor is loaded or has decided. */
  shown(actor: Hosted): void;
}

export const actorPerformer = ({ world, alarms, admit, shown }: ActorPerformerParts): ActorPerformer => {
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

  /** What is due when it rings, and everything since, is said as one event; the first one said counts. */
  const due = (actor: Hosted, { n, after, timing }: Extract<ActorEffect, { kind: 'due' }>) => {
    const at = nextAfter(timing, after);
    if (at === null) return;
    alarm(actor, n, at, () => {
      const times = dueBetween(timing, after, world.clock.now());
      return untilStored(world, () => sayOfActor(world, actor.id, ['due', n], { times }));
    });
  };

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
      case 'submit':
        return durable(actor, 'a scheduled task', () => submitFor(world, admit, actor.id, effect));
      case 'cancel':
        return durable(actor, 'a cancel', async () =>
          sayEvent(world, effect.task, await keyOf(world, effect.task), ['commanded', effect.id], {
            v: 1,
            command: 'cancel',
            by: actor.id.slice(1),
            reason: effect.reason,
          }),
        );
      case 'due':
        return due(actor, effect);
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
