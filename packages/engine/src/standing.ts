// What a state still wants of the world although no event says so just now: the timers that are set, the queues that are looked for. Asked
// when a task is loaded; everything durable has been stored before its snapshot was.
import type { Effect } from '@capstan/contracts';
import { capabilityOf } from './order.ts';
import { readPaged } from './paged.ts';
import { idOf, specOf } from './plan/shape.ts';
import type { TaskState } from './state.ts';

export const standing = (state: TaskState): Effect[] => {
  const effects: Effect[] = state.timers.map((timer) => ({ kind: 'wake', ...timer, step: null, attempt: 0 }));
  for (let slot = 0; slot < state.steps.length; slot += 1) {
    const step = readPaged(state.steps, slot);
    const id = idOf(state.shape, slot);
    if (step.timer !== null) effects.push({ kind: 'wake', ...step.timer, step: id, attempt: step.attempt });
    if (step.status === 'blocked' || (step.status === 'ready' && step.routed === 0)) {
      const spec = specOf(state.shape, slot);
      const needs = step.stage === 'do' ? (spec.step.needs ?? {}) : {};
      effects.push({ kind: 'route', step: id, attempt: step.attempt + 1, capability: capabilityOf(spec, step), needs });
    }
  }
  return effects;
};

/** When the state wants to be looked at next without an event, and whether it looks for a queue: what the list of open tasks keeps. */
export const nextDue = (state: TaskState): { readonly due: number | null; readonly routing: boolean } => {
  let due = Infinity;
  let routing = false;
  for (const effect of standing(state)) {
    if (effect.kind === 'wake') due = Math.min(due, effect.at);
    if (effect.kind === 'route') routing = true;
  }
  return { due: due === Infinity ? null : due, routing };
};
