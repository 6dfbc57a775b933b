// What a state still wants of the world although no event says so just now: the timers that are set, the queues that are looked for. Asked
// when a task is loaded; everything durable has been stored before its snapshot was.
import type { Effect, StepStatus } from '@capstan/contracts';
import { openDraft } from './draft.ts';
import { capabilityOf, orderFor } from './order.ts';
import { pageSize, readPaged } from './paged.ts';
import { idOf, slotOf, specOf } from './plan/shape.ts';
import { inputOrRaw } from './scope.ts';
import { isHurried } from './sla.ts';
import type { StepState, TaskState } from './state.ts';

export const standing = (state: TaskState): Effect[] => {
  const effects: Effect[] = state.timers.map((timer) => ({ kind: 'wake', ...timer, step: null, attempt: 0 }));
  for (let slot = 0; slot < state.steps.length; slot += 1) {
    const step = readPaged(state.steps, slot);
    const id = idOf(state.shape, slot);
    if (step.timer !== null) effects.push({ kind: 'wake', ...step.timer, step: id, attempt: step.attempt });
    if (!looksForQueue(step)) continue;
    const spec = specOf(state.shape, slot);
    const needs = step.stage === 'do' ? (spec.step.needs ?? {}) : {};
    effects.push({
      kind: 'route',
      step: id,
      attempt: step.wanted,
      capability: capabilityOf(spec, step),
      needs,
      isHurried: isHurried(spec),
    });
  }
  return effects;
};

/** A queue was asked for, and the answer has not come; a person may have been asked meanwhile. */
export const looksForQueue = (step: StepState): boolean =>
  looking.has(step.status) && step.wanted > step.attempt && step.routed !== step.wanted;

const looking: ReadonlySet<StepStatus> = new Set(['ready', 'blocked', 'awaiting_approval']);

interface Due {
  readonly due: number;
  readonly routing: boolean;
}

/** When the state wants to be looked at next without an event, and whether it looks for a queue: what the list of open tasks keeps. */
export const nextDue = (state: TaskState): { readonly due: number | null; readonly routing: boolean } => {
  let due = Infinity;
  let routing = false;
  for (const timer of state.timers) due = Math.min(due, timer.at);
  for (const page of state.steps.pages) {
    const of = dueOf(page);
    due = Math.min(due, of.due);
    routing ||= of.routing;
  }
  return { due: due === Infinity ? null : due, routing };
};

/** A page is never changed, so what was once worked out about it stays true; a large plan is asked again after every snapshot. */
const known = new WeakMap<readonly StepState[], Due>();

const dueOf = (page: readonly StepState[]): Due => {
  let of = known.get(page);
  if (of === undefined) {
    let due = Infinity;
    let routing = false;
    for (const step of page) {
      if (step.timer !== null) due = Math.min(due, step.timer.at);
      routing ||= looksForQueue(step);
    }
    of = { due, routing };
    if (page.length === pageSize) known.set(page, of);
  }
  return of;
};

/**
 * The orders of the attempts that run, word for word as they were decided: for a snapshot that was taken while some of them had not left yet.
 * Names are accepted once, so those that did leave are said again in vain.
 */
export const owedOrders = (state: TaskState): Effect[] => {
  const now = openDraft(state, { kind: 'woke', n: 0, step: null, seq: state.seq, at: state.at });
  const effects: Effect[] = [];
  for (let slot = 0; slot < state.steps.length; slot += 1) {
    const step = readPaged(state.steps, slot);
    const begun = step.attempts[step.attempts.length - 1];
    if (step.status !== 'running' || step.queue === null || begun === undefined || begun.finishedAt !== null) continue;
    const draft = { ...now, at: begun.startedAt ?? now.at };
    const input = step.stage === 'verify' ? null : inputOrRaw(draft, slot);
    effects.push({ kind: 'order', queue: step.queue, order: orderFor(draft, slot, step, input) });
  }
  return effects;
};

/** Whether an attempt of a step runs as of now. */
export const runsNow = (state: TaskState, id: string, attempt: number): boolean => {
  const slot = slotOf(state.shape, id);
  const step = slot < 0 ? null : readPaged(state.steps, slot);
  return step !== null && step.status === 'running' && step.attempt === attempt;
};

/** What the present attempt of a step asks of its agent. */
export const capabilityNow = (state: TaskState, id: string): string | null => {
  const slot = slotOf(state.shape, id);
  return slot < 0 ? null : capabilityOf(specOf(state.shape, slot), readPaged(state.steps, slot));
};

/** How long the present attempt of a step may take; 0 where none runs whose time is counted. */
export const attemptMs = (state: TaskState, id: string): number => {
  const slot = slotOf(state.shape, id);
  if (slot < 0) return 0;
  const { attempts, timer } = readPaged(state.steps, slot);
  const startedAt = attempts[attempts.length - 1]?.startedAt ?? null;
  return timer?.why === 'attempt' && startedAt !== null ? timer.at - startedAt : 0;
};
