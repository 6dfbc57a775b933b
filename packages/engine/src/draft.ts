// The next state under construction, and what it wants done. Handlers change the draft; the state that they started from stays as it was,
// so a throw anywhere leaves nothing half done.
import type { Effect, Event, StepStatus, WakeReason } from '@capstan/contracts';
import { draftPaged, type PagedDraft } from './paged.ts';
import { idOf, type Shape, type Spec, specOf } from './plan/shape.ts';
import { type GroupState, hasEnded, type StepState, type TaskState, type Timer } from './state.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface News {
  /** `task.failed`, `approval.requested`, … */
  readonly event: string;
  readonly text: string;
}

export interface Draft {
  readonly task: Mutable<Omit<TaskState, 'steps' | 'waits' | 'groups'>>;
  readonly steps: PagedDraft<StepState>;
  waits: PagedDraft<number>;
  groups: PagedDraft<GroupState>;
  readonly event: Event;
  readonly at: number;
  readonly effects: Effect[];
  /** Slots that ended in this decision and whose consequences are still to be drawn. */
  readonly ended: number[];
  /** Specs that have nothing left to wait for, still to be looked at. */
  readonly freed: number[];
  /** The phase (by group) whose gate sends the work back, still to be done. */
  loop: number | null;
  /** What people are to be told, still to be made into errands. */
  readonly news: News[];
  /** Why the event changed nothing, where it didn't. */
  ignored: string | null;
  readonly before: TaskState;
}

export const openDraft = (state: TaskState, event: Event): Draft => {
  const at = Math.max(state.at, event.at);
  return {
    task: { ...state, seq: event.seq, at },
    steps: draftPaged(state.steps),
    waits: draftPaged(state.waits),
    groups: draftPaged(state.groups),
    event,
    at,
    effects: [],
    ended: [],
    freed: [],
    loop: null,
    news: [],
    ignored: null,
    before: state,
  };
};

export const closeDraft = (draft: Draft): TaskState => ({
  ...draft.task,
  steps: draft.steps.done(),
  waits: draft.waits.done(),
  groups: draft.groups.done(),
});

export const ignore = (draft: Draft, why: string): void => {
  draft.ignored = why;
};

export const shapeIn = (draft: Draft): Shape => draft.task.shape;
export const specIn = (draft: Draft, slot: number): Spec => specOf(draft.task.shape, slot);
export const idIn = (draft: Draft, slot: number): string => idOf(draft.task.shape, slot);

/** Changes a step, and keeps what is counted about all of them in step with it. */
export const change = (draft: Draft, slot: number, patch: Partial<StepState>): StepState => {
  const old = draft.steps.read(slot);
  const next: StepState = { ...old, ...patch };
  draft.steps.write(slot, next);
  const { task } = draft;
  if (old.status !== next.status) {
    const closed = Number(hasEnded(next.status)) - Number(hasEnded(old.status));
    if (specIn(draft, slot).errand) task.errands -= closed;
    else {
      task.counts = recounted(task.counts, old.status, next.status);
      task.open -= closed;
    }
    draft.effects.push({ kind: 'tell', step: idIn(draft, slot), status: next.status });
  }
  task.verifying += Number(isVerifying(next)) - Number(isVerifying(old));
  return next;
};

const recounted = (counts: TaskState['counts'], from: StepStatus, to: StepStatus): TaskState['counts'] => {
  const next = { ...counts, [to]: (counts[to] ?? 0) + 1 };
  const left = (counts[from] ?? 0) - 1;
  if (left > 0) next[from] = left;
  else delete next[from];
  return next;
};

const isVerifying = (step: StepState): boolean => step.stage === 'verify' && step.status === 'running';

/** Ends a step; its consequences are drawn when everything that this event itself says is done. */
export const end = (draft: Draft, slot: number, status: StepStatus, patch: Partial<StepState> = {}): void => {
  disarm(draft, slot);
  change(draft, slot, { finishedAt: draft.at, waitingFor: null, asked: null, routed: 0, ...patch, status });
  draft.ended.push(slot);
};

const nextTimer = (draft: Draft, at: number, why: WakeReason, slot: number | null, attempt: number): Timer => {
  draft.task.lastTimer += 1;
  const timer: Timer = { n: draft.task.lastTimer, at, why };
  draft.effects.push({ kind: 'wake', n: timer.n, at, why, step: slot === null ? null : idIn(draft, slot), attempt });
  return timer;
};

/** Sets the one timer of a step; the one before it is forgotten. */
export const arm = (draft: Draft, slot: number, at: number, why: WakeReason): void => {
  disarm(draft, slot);
  change(draft, slot, { timer: nextTimer(draft, at, why, slot, draft.steps.read(slot).attempt) });
};

export const disarm = (draft: Draft, slot: number): void => {
  const { timer } = draft.steps.read(slot);
  if (timer === null) return;
  draft.effects.push({ kind: 'unwake', n: timer.n });
  change(draft, slot, { timer: null });
};

/** A timer of the task as a whole. */
export const armTask = (draft: Draft, at: number, why: WakeReason): void => {
  draft.task.timers = [...draft.task.timers, nextTimer(draft, at, why, null, 0)];
};

export const disarmTask = (draft: Draft): void => {
  for (const timer of draft.task.timers) draft.effects.push({ kind: 'unwake', n: timer.n });
  draft.task.timers = [];
};

/** Every slot of which `test` holds; for what is rare, since it looks at the whole plan. */
export const slotsWhere = (draft: Draft, test: (step: StepState, slot: number) => boolean): number[] => {
  const found: number[] = [];
  for (let slot = 0; slot < draft.steps.length; slot += 1) if (test(draft.steps.read(slot), slot)) found.push(slot);
  return found;
};
