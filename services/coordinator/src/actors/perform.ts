// Doing what an actor decided. As for tasks: each durable effect has a name, and no snapshot is written before the server has it.
import { PassingMap } from '@capstan/bus';
import type { ActorEffect } from '@capstan/engine';
import type { Alarms } from '../alarms.ts';
import type { Admit } from '../doors/admit.ts';
import { sayEvent, untilStored } from '../say.ts';
import { submissionOf } from '../submission-of.ts';
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

  /** Tasks that are being submitted: whether there is one to be cancelled is known after. */
  const submitting = new PassingMap<string, Promise<unknown>>();
  const turnOf = (task: string) => `${world.membership.term} ${task}`;
  const submit = (actor: Hosted, effect: Extract<ActorEffect, { kind: 'submit' }>) => {
    const turn = turnOf(effect.request['task_id'] as string);
    const submitted = submitFor(world, admit, actor.id, effect);
    submitting.set(turn, submitted);
    durable(actor, 'a scheduled task', () => submitted.finally(() => submitting.delete(turn)));
  };
  const cancel = async (actor: Hosted, { task, id, reason }: Extract<ActorEffect, { kind: 'cancel' }>) => {
    await submitting.get(turnOf(task));
    const began = await submissionOf(world, task);
    // It was refused: there is nothing to cancel, and never will be.
    if (began === null) return;
    const body = { v: 1, command: 'cancel', by: actor.id.slice(1), reason };
    await sayEvent(world, task, began.body.key, ['commanded', id], body);
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
        return submit(actor, effect);
      case 'cancel':
        return durable(actor, 'a cancel', () => cancel(actor, effect));
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
