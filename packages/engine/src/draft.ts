// The next state under construction, and what it wants done. Handlers change the draft; the state that they started from stays as it was,
// so a throw anywhere leaves nothing half done.
import { type Effect, type Event, type StepStatus, stepStatuses, type WakeReason } from '@capstan/contracts';
import { PagedDraft } from './paged.ts';
import { idOf, type Shape, type Spec, specOf } from './plan/shape.ts';
import { type GroupState, hasEnded, type OpenAsk, type StepState, type TaskState, type Timer } from './state.ts';
import { workList, type WorkList } from './work-list.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Counts = Record<StepStatus, number>;

export interface News {
  /** `task.failed`, `approval.requested`, … */
  readonly event: string;
  readonly text: string;
  readonly step: string | null;
}

export interface Draft {
  readonly task: Mutable<Omit<TaskState, 'steps' | 'waits' | 'groups' | 'asks'>>;
  readonly steps: PagedDraft<StepState>;
  waits: PagedDraft<number>;
  groups: PagedDraft<GroupState>;
  /** A copy of its own once anything is asked or answered. */
  asks: Record<string, OpenAsk> | null;
  /** The same for how many steps are in which status. */
  counts: Counts | null;
  readonly at: number;
  readonly effects: Effect[];
  /** Slots that ended in this decision and whose consequences are still to be drawn. */
  readonly ended: WorkList<number>;
  /** Specs that have nothing left to wait for, still to be looked at. */
  readonly freed: WorkList<number>;
  /** The phase (by group) whose gate sends the work back, still to be done. */
  loop: number | null;
  /** Why the planner is to be asked anew, still to be done. */
  replan: string | null;
  /** What held ready steps is gone; they are still to be moved on. */
  lifted: boolean;
  /** Steps were added. */
  grown: boolean;
  /** What people are to be told, still to be made into errands. */
  readonly news: News[];
  /** Why the event changed nothing, where it didn't. */
  ignored: string | null;
  readonly before: TaskState;
}

export const openDraft = (state: TaskState, event: Event): Draft => {
  const at = Math.max(state.at, event.at);
  const task: Mutable<TaskState> = { ...state };
  task.seq = event.seq;
  task.at = at;
  return {
    task,
    steps: new PagedDraft(state.steps),
    waits: new PagedDraft(state.waits),
    groups: new PagedDraft(state.groups),
    asks: null,
    counts: null,
    at,
    effects: [],
    ended: workList(),
    freed: workList(),
    loop: null,
    replan: null,
    lifted: false,
    grown: false,
    news: [],
    ignored: null,
    before: state,
  };
};

export const closeDraft = (draft: Draft): TaskState => {
  // It was copied whole when the draft was opened; what was kept apart since goes back into it.
  const task = draft.task as Mutable<TaskState>;
  task.steps = draft.steps.done();
  task.waits = draft.waits.done();
  task.groups = draft.groups.done();
  if (draft.asks !== null) task.asks = draft.asks;
  if (draft.counts !== null) task.counts = withoutZeros(draft.counts);
  return task;
};

export const ignore = (draft: Draft, why: string): void => {
  draft.ignored = why;
};

export const shapeIn = (draft: Draft): Shape => draft.task.shape;
export const specIn = (draft: Draft, slot: number): Spec => specOf(draft.task.shape, slot);
export const idIn = (draft: Draft, slot: number): string => idOf(draft.task.shape, slot);
export const asksIn = (draft: Draft): Readonly<Record<string, OpenAsk>> => draft.asks ?? draft.before.asks;

/** Changes a step, and keeps what is counted about all of them in step with it. */
export const change = (draft: Draft, slot: number, patch: Partial<StepState>): StepState => {
  const step = draft.steps.edit(slot) as Mutable<StepState>;
  const { status } = step;
  const verified = isVerifying(step);
  const waited = isWaitingTurn(step);
  Object.assign(step, patch);
  const { task } = draft;
  if (step.heldBy !== null || waited) countTurn(draft, slot, Number(isWaitingTurn(step)) - Number(waited));
  if (status !== step.status) {
    const closed = Number(hasEnded(step.status)) - Number(hasEnded(status));
    if (specIn(draft, slot).errand) task.errands -= closed;
    else {
      const counts = ownCounts(draft);
      counts[status] -= 1;
      counts[step.status] += 1;
      task.open -= closed;
    }
    draft.effects.push({ kind: 'tell', step: idIn(draft, slot), status: step.status });
  }
  task.verifying += Number(isVerifying(step)) - Number(verified);
  return step;
};

/** How many steps are in each status, as of now in this draft. */
export const countsIn = (draft: Draft): Readonly<Partial<Record<StepStatus, number>>> =>
  draft.counts ?? draft.task.counts;

/** A copy that may be changed, with every status in it. */
export const ownCounts = (draft: Draft): Counts => (draft.counts ??= { ...noCounts, ...draft.task.counts });

const noCounts = Object.fromEntries(stepStatuses.map((status) => [status, 0])) as Counts;

const withoutZeros = (counts: Counts): Partial<Counts> => {
  const some: Partial<Counts> = {};
  for (const status of stepStatuses) if (counts[status] > 0) some[status] = counts[status];
  return some;
};

export const isWaitingTurn = (step: StepState): boolean => step.heldBy !== null && step.status === 'ready';

const countTurn = ({ task }: Draft, slot: number, more: number): void => {
  if (more === 0) return;
  const { waiting, from } = task.turns;
  task.turns = { waiting: waiting + more, from: more > 0 ? Math.min(from, slot) : from };
};

export const isVerifying = (step: StepState): boolean => step.stage === 'verify' && step.status === 'running';

/** Ends a step; its consequences are drawn when everything that this event itself says is done. */
export const end = (draft: Draft, slot: number, status: StepStatus, patch: Partial<StepState> = {}): void => {
  disarm(draft, slot);
  change(draft, slot, { finishedAt: draft.at, waitingFor: null, unjudged: null, ...patch, status });
  draft.ended.push(slot);
};

const nextTimer = (draft: Draft, at: number, why: WakeReason, slot: number | null, attempt: number): Timer => {
  draft.task.lastTimer += 1;
  const timer: Timer = { n: draft.task.lastTimer, at, why };
  const step = slot === null ? null : idIn(draft, slot);
  draft.effects.push({ kind: 'wake', n: timer.n, at, why, step, attempt });
  return timer;
};

/** Sets the one timer of a step; the one before it is forgotten. */
export const arm = (draft: Draft, slot: number, at: number, why: WakeReason): void => {
  disarm(draft, slot);
  const step = draft.steps.edit(slot) as Mutable<StepState>;
  step.timer = nextTimer(draft, at, why, slot, step.attempt);
};

export const disarm = (draft: Draft, slot: number): void => {
  const { timer } = draft.steps.read(slot);
  if (timer === null) return;
  draft.effects.push({ kind: 'unwake', n: timer.n });
  (draft.steps.edit(slot) as Mutable<StepState>).timer = null;
};

/** A timer of the task as a whole. */
export const armTask = (draft: Draft, at: number, why: WakeReason): void => {
  draft.task.timers = [...draft.task.timers, nextTimer(draft, at, why, null, 0)];
};

export const disarmTask = (draft: Draft): void => {
  for (const timer of draft.task.timers) draft.effects.push({ kind: 'unwake', n: timer.n });
  draft.task.timers = [];
};

/** The attempt that runs is over, whatever its agent will say. */
export const closeAttempt = (draft: Draft, slot: number, outcome: string): void => {
  const { attempts } = draft.steps.read(slot);
  const last = attempts[attempts.length - 1];
  if (last === undefined || last.finishedAt !== null) return;
  change(draft, slot, { attempts: [...attempts.slice(0, -1), { ...last, finishedAt: draft.at, outcome }] });
};

/** Every slot of which `test` holds; for what is rare, since it looks at the whole plan. */
export const slotsWhere = (draft: Draft, test: (step: StepState, slot: number) => boolean): number[] => {
  const found: number[] = [];
  for (let slot = 0; slot < draft.steps.length; slot += 1) if (test(draft.steps.read(slot), slot)) found.push(slot);
  return found;
};

/**
 * Whether the task as a whole is coming to its end, and this step with it. Telling people goes on in any case; undoing what was done goes on
 * after a failure, and stops only where a person cancels.
 */
export const isStopping = (draft: Draft, spec: Spec): boolean => {
  const { ending } = draft.task;
  return ending !== null && !spec.errand && (spec.undoes < 0 || ending.as === 'cancelled');
};
