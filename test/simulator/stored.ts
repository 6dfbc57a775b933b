// Whether what had to be said has been stored, under the name that follows from its cause.
import { type Broker, dlqIdOf } from '@capstan/bus';
import type { Intervention } from '@capstan/contracts';
import type { Followed, Oracle, Owed } from './oracle.ts';

export interface Shelf {
  /** Subjects. */
  readonly orders: ReadonlySet<string>;
  readonly letters: ReadonlySet<string>;
  readonly asked: ReadonlyMap<string, Intervention['status']>;
}

export const isStored = (broker: Broker, oracle: Oracle, shelf: Shelf, { id }: Followed, { effect }: Owed): boolean => {
  const { names } = broker;
  switch (effect.kind) {
    case 'order': {
      const { step_id: step, attempt } = effect.order;
      // An order that was taken back before it left: a report in its place says so.
      return (
        shelf.orders.has(names.order(effect.queue, id, step, attempt)) ||
        oracle.knows(id, 'report', effect.queue, step, attempt)
      );
    }
    case 'bury':
      return shelf.letters.has(letterOf(broker, id, effect));
    case 'ask': {
      const status = shelf.asked.get(effect.intervention.id);
      return effect.intervention.status === 'pending' ? status !== undefined : (status ?? 'pending') !== 'pending';
    }
    case 'keep':
      return broker.objects.get(names.buckets.artifacts)?.has(keyOf(broker, effect.ref)) ?? false;
    case 'spawn':
      return oracle.tasks.has(effect.child) || oracle.knows(id, 'report', 'task', effect.step, effect.attempt);
    case 'steer':
      return !oracle.tasks.has(effect.child) || oracle.knows(effect.child, 'commanded', effect.id);
    case 'inform': {
      const { task_id: parent, step_id: step, attempt } = effect.parent;
      return oracle.knows(parent, 'report', 'task', step, attempt);
    }
    case 'say':
      return oracle.knows(effect.to, ...effect.name);
    case 'submit': {
      const task = String(effect.request['task_id']);
      return oracle.tasks.has(task) || oracle.knows(id, 'refused', task);
    }
    case 'tell':
      return oracle.knows(effect.to.task, 'told', ...effect.name);
    default:
      return effect satisfies never;
  }
};

const keyOf = ({ names }: Broker, ref: string): string => ref.slice(names.buckets.artifacts.length + 1);

const letterOf = ({ names }: Broker, task: string, effect: Extract<Owed['effect'], { kind: 'bury' }>): string => {
  const identity = `${task} ${effect.step} ${effect.attempt} ${effect.reason}`;
  return names.dlq('coordinator', effect.reason, dlqIdOf({ identity, message: { subject: '', data: '' } }));
};
