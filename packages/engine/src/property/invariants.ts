// What must be true of every state, and of every decision that led to it.
import assert from 'node:assert/strict';
import type { Effect, Event, Risk, StepStatus, TaskStatus } from '@capstan/contracts';
import type { Decision } from '../decide.ts';
import { type Draft, isWaitingTurn, openDraft } from '../draft.ts';
import { inputHash } from '../hash.ts';
import { readPaged } from '../paged.ts';
import { idOf, slotOf, type Spec, specOf } from '../plan/shape.ts';
import { countGroups, countWaits, dependsOnBad } from '../recount.ts';
import { recordOf } from '../snapshot.ts';
import { isReplanning } from '../replanning.ts';
import { looksForQueue, standing } from '../standing.ts';
import { hasEnded, type StepState, type TaskState, taskEnded } from '../state.ts';
import { isLegal, stepTransitions, taskTransitions } from '../transitions.ts';
import { consequences } from './consequences.ts';

/** What is remembered from event to event, since no state tells it. */
export interface Ledger {
  readonly lastAttempt: Map<string, number>;
  readonly children: Set<string>;
  readonly approved: Set<string>;
  readonly timers: Map<number, Extract<Effect, { kind: 'wake' }>>;
  readonly routes: Map<string, Extract<Effect, { kind: 'route' }>>;
  readonly saidRouted: Set<string>;
  readonly stepStatus: Map<string, StepStatus>;
  taskStatus: TaskStatus | null;
}

export const newLedger = (): Ledger => ({
  lastAttempt: new Map(),
  children: new Set(),
  approved: new Set(),
  timers: new Map(),
  routes: new Map(),
  saidRouted: new Set(),
  stepStatus: new Map(),
  taskStatus: null,
});

/** Takes in an event and what was decided on it, and asserts everything that can be said about that. */
export const check = (ledger: Ledger, before: TaskState | null, event: Event, decision: Decision): void => {
  const state = decision.state as TaskState;
  if (decision.ignored !== null) {
    assert.deepEqual(decision.effects, [], 'an ignored event has effects');
    assert.deepEqual({ ...state, seq: 0, at: 0 }, { ...before, seq: 0, at: 0 }, 'an ignored event changed something');
    return;
  }
  if (event.kind === 'woke') ledger.timers.delete(event.n);
  if (event.kind === 'decided' && event.body.decision === 'approve') {
    const ask = before?.asks[event.id];
    if (ask?.kind === 'approval')
      ledger.approved.add(
        `${idOf((before as TaskState).shape, ask.slot)} ${ask.policy ?? 'approval'} ${ask.inputHash}`,
      );
  }
  effects(ledger, before, state, decision.effects);
  consequences(before, event, decision);
  counted(state);
  slots(state);
  whole(state);
  matches(ledger, state);
};

const effects = (ledger: Ledger, before: TaskState | null, state: TaskState, said: readonly Effect[]): void => {
  const draft = lookAt(state);
  for (const effect of said) {
    if (effect.kind === 'tell') told(ledger, effect.step, effect.status);
    if (effect.kind === 'wake') ledger.timers.set(effect.n, effect);
    if (effect.kind === 'unwake') assert.ok(ledger.timers.delete(effect.n), `timer ${effect.n} was not set`);
    if (effect.kind === 'route') {
      const name = `${effect.step} ${effect.attempt}`;
      assert.ok(!ledger.saidRouted.has(name), `a queue for ${name} was found before; that name is spent`);
      ledger.routes.set(name, effect);
    }
    if (effect.kind === 'order') ordered(ledger, draft, before, state, effect);
    if (effect.kind === 'spawn') spawned(ledger, draft, before, state, effect);
    if (effect.kind === 'steer') assert.ok(ledger.children.has(effect.child), 'a task is steered that was never begun');
    if (effect.kind === 'inform') assert.ok(taskEnded(state.status), 'its parent is told of an end that is none');
  }
};

const told = (ledger: Ledger, step: string | null, status: string): void => {
  if (step === null) {
    const from = ledger.taskStatus;
    if (from !== null)
      assert.ok(isLegal(taskTransitions, from, status as TaskStatus), `the task goes from ${from} to ${status}`);
    ledger.taskStatus = status as TaskStatus;
    return;
  }
  const from = ledger.stepStatus.get(step) ?? 'pending';
  assert.ok(isLegal(stepTransitions, from, status as StepStatus), `"${step}" goes from ${from} to ${status}`);
  ledger.stepStatus.set(step, status as StepStatus);
};

const ordered = (
  ledger: Ledger,
  draft: Draft,
  before: TaskState | null,
  state: TaskState,
  { order }: Extract<Effect, { kind: 'order' }>,
): void => {
  const name = `${order.step_id} ${order.attempt}`;
  const spec = begun(ledger, draft, before, state, order.step_id, order.attempt);
  if (!isRisky(state, spec) || order.capability !== spec.step.capability) return;
  const hash = inputHash(state.planHash, order.input);
  assert.ok(
    ledger.approved.has(`${order.step_id} approval ${hash}`),
    `${name} is risky and was ordered without approval of its input`,
  );
};

const spawned = (
  ledger: Ledger,
  draft: Draft,
  before: TaskState | null,
  state: TaskState,
  { step, attempt, child, depth, depthMax }: Extract<Effect, { kind: 'spawn' }>,
): void => {
  const spec = begun(ledger, draft, before, state, step, attempt);
  assert.ok(!ledger.children.has(child), `${child} was begun before`);
  ledger.children.add(child);
  assert.ok(depth <= depthMax, `${child} is deeper than allowed`);
  const isApproved = [...ledger.approved].some((name) => name.startsWith(`${step} approval `));
  assert.ok(!isRisky(state, spec) || isApproved, `${child} does what is risky, and nobody approved it`);
};

const isRisky = (state: TaskState, spec: Spec): boolean =>
  !spec.internal &&
  spec.step.capability !== 'input' &&
  (spec.step.approval !== undefined || isRisk(state, spec.step.risk) || isRisk(state, toolRisk(state, spec)));

const isRisk = (state: TaskState, risk: Risk | undefined): boolean =>
  state.settings.approval.risks.includes(risk ?? 'low');

/** Of its tool; where its plan says less, and asks a person somewhere, nothing can be said of it here. */
const toolRisk = (state: TaskState, { step }: Spec): Risk | undefined =>
  state.rules < 2 || (step.risk !== undefined && state.shape.specs.some((spec) => spec.step.capability === 'approval'))
    ? undefined
    : (state.settings.approval.tools?.[step.capability] ?? state.risks[step.capability]);

/** What holds of every attempt that begins, whoever does it. */
const begun = (
  ledger: Ledger,
  draft: Draft,
  before: TaskState | null,
  state: TaskState,
  id: string,
  attempt: number,
): Spec => {
  const name = `${id} ${attempt}`;
  assert.ok(attempt > (ledger.lastAttempt.get(id) ?? 0), `attempt ${name} was ordered before`);
  ledger.lastAttempt.set(id, attempt);
  const slot = slotOf(state.shape, id);
  const spec = specOf(state.shape, slot);
  if (!hasBegun(before, slot)) {
    assert.equal(waitsOf(state, spec), 0, `${name} was ordered before its dependencies ended`);
    assert.ok(!dependsOnBad(draft, spec), `${name} was ordered although something before it failed`);
  }
  return spec;
};

/** What has begun needs nothing more: a phase before it may have been given a step since. */
const hasBegun = (before: TaskState | null, slot: number): boolean => {
  if (before === null || slot >= before.steps.length) return false;
  const { status } = readPaged(before.steps, slot);
  return status !== 'pending' && !hasEnded(status);
};

const waitsOf = (state: TaskState, spec: Spec): number => readPaged(state.waits, spec.at);

/** Counts are what counting anew gives. */
const counted = (state: TaskState): void => {
  const read = (slot: number): StepState => readPaged(state.steps, slot);
  const counts: Partial<Record<StepStatus, number>> = {};
  let [open, errands, verifying] = [0, 0, 0];
  const asks: Record<string, unknown> = {};
  for (let slot = 0; slot < state.steps.length; slot += 1) {
    const step = read(slot);
    const isErrand = specOf(state.shape, slot).errand;
    if (!isErrand) counts[step.status] = (counts[step.status] ?? 0) + 1;
    if (!hasEnded(step.status) && isErrand) errands += 1;
    if (!hasEnded(step.status) && !isErrand) open += 1;
    if (step.stage === 'verify' && step.status === 'running') verifying += 1;
    if (step.asked !== null) asks[step.asked.id] = step.asked;
  }
  assert.deepEqual(state.counts, counts, 'counts');
  assert.deepEqual(
    [state.open, state.errands, state.verifying],
    [open, errands, verifying],
    'open, errands, verifying',
  );
  assert.deepEqual(state.asks, asks, 'asks');
  const waiting = Array.from({ length: state.steps.length }, (_, slot) => slot).filter((slot) =>
    isWaitingTurn(read(slot)),
  );
  assert.equal(state.turns.waiting, waiting.length, 'turns');
  assert.ok((waiting[0] ?? Infinity) >= state.turns.from, 'a turn that nobody would find');
  const groups = countGroups(state.shape, read);
  assert.deepEqual(state.groups, groups, 'groups');
  assert.deepEqual(state.waits, countWaits(state.shape, read, groups), 'waits');
};

/** Every unfinished step waits for something that will come, and says so. */
const slots = (state: TaskState): void => {
  const { steps } = recordOf(state, { whole: true });
  for (let slot = 0; slot < state.steps.length; slot += 1) {
    const step = readPaged(state.steps, slot);
    const id = idOf(state.shape, slot);
    const why = `"${id}" is ${step.status}`;
    assert.equal(steps[id]?.status, step.status, `${why}, and its record says something else`);
    if (hasEnded(step.status)) {
      assert.deepEqual([step.timer, step.asked, step.waitingFor], [null, null, null], `${why}, and still waits`);
      assert.ok(step.finishedAt !== null, `${why}, and nobody knows since when`);
      continue;
    }
    assert.ok((steps[id]?.waiting_for ?? '').length > 3, `${why}, and says not what it waits for`);
    assert.ok(
      waitsProperly(state, slot, step),
      `${why}, and waits for nothing that will come: ${JSON.stringify(step)}`,
    );
  }
};

const waitsProperly = (state: TaskState, slot: number, step: StepState): boolean => {
  const spec = specOf(state.shape, slot);
  const { status, timer, asked } = step;
  switch (status) {
    case 'pending':
      return waitsOf(state, spec) > 0;
    case 'running':
      return asked === null && (timer?.why === 'attempt' || timer?.why === 'sla' || timer?.why === 'cancel');
    case 'retrying':
      return asked === null && timer?.why === 'retry';
    case 'awaiting_approval':
      return asked?.kind === 'approval' && timer?.why === 'expiry';
    case 'awaiting_input':
      return (asked?.kind === 'question' || asked?.kind === 'flag') && timer?.why === 'expiry';
    case 'blocked':
      return looksForQueue(step) && (timer === null || timer.why === 'blocked') && asked === null;
    default: {
      const isQueued = state.leave === 'asked' && !spec.errand;
      const isHeld =
        isQueued ||
        (!spec.internal &&
          (state.hold !== null || isReplanning(lookAt(state)) || (state.request.mode === 'manual' && !step.started)));
      const waitsTurn = step.heldBy !== null && (state.counts.running ?? 0) > 0;
      return timer === null && asked === null && (isHeld || waitsTurn || looksForQueue(step));
    }
  }
};

const whole = (state: TaskState): void => {
  assert.ok(state.interventions.length <= 1_000);
  if (taskEnded(state.status)) {
    assert.equal(state.open, 0, 'a task ended with open steps');
    assert.equal(state.above, null, 'an ended task is held from above');
    assert.deepEqual([state.hold, state.timers, state.revivals], [null, [], []], 'an ended task holds on to something');
    assert.ok(state.finishedAt !== null);
    return;
  }
  assert.ok(state.open > 0 || state.hold?.why === 'failure', 'a task goes on with nothing to do');
  assert.equal(state.finishedAt, null);
};

/** What the effects asked for is what the state stands for. */
const matches = (ledger: Ledger, state: TaskState): void => {
  const stands = standing(state);
  const timers = stands
    .filter((effect) => effect.kind === 'wake')
    .map(({ n, at, why, step }) => ({ n, at, why, step }));
  const set = [...ledger.timers.values()].map(({ n, at, why, step }) => ({ n, at, why, step }));
  const byNumber = (a: { n: number }, b: { n: number }) => a.n - b.n;
  assert.deepEqual(timers.toSorted(byNumber), set.toSorted(byNumber), 'timers that are set');
  for (const effect of stands) {
    if (effect.kind !== 'route') continue;
    assert.ok(
      ledger.routes.has(`${effect.step} ${effect.attempt}`),
      `a queue for ${effect.step} is looked for, and nobody was told`,
    );
  }
};

/** The means of the engine for looking at a state without changing it. */
const lookAt = (state: TaskState): Draft =>
  openDraft(state, { kind: 'woke', n: 0, step: null, seq: state.seq, at: state.at });
