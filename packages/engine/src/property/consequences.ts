// What an event must lead to, and what it must not, said without asking the engine how it does that.
import assert from 'node:assert/strict';
import { type Event, limits, timeMs } from '@capstan/contracts';
import type { Decision } from '../decide.ts';
import { readPaged } from '../paged.ts';
import { idOf, slotOf, slotsOf, type Spec, specOf } from '../plan/shape.ts';
import { retryRule } from '../retry.ts';
import { hasEnded, type StepState, type TaskState } from '../state.ts';
import { isSubTask } from '../sub-task.ts';

export const consequences = (before: TaskState | null, event: Event, decision: Decision): void => {
  const state = decision.state as TaskState;
  answered(before, state, event);
  reported(before, state, event);
  held(before, state, decision);
  for (const effect of decision.effects) {
    if (effect.kind !== 'order') continue;
    const { order } = effect;
    const spec = specOf(state.shape, slotOf(state.shape, order.step_id));
    assert.equal(timeMs(order.deadline), state.at + (order.timeout_ms ?? 0), 'a deadline that is not its time');
    if (!spec.internal && !hasBegun(before, order.step_id)) gatesAreOpen(state, spec, order.step_id);
  }
  for (let slot = 0; slot < state.steps.length; slot += 1) bounded(state, slot, readPaged(state.steps, slot));
};

const stepNamed = (state: TaskState, id: string): StepState => readPaged(state.steps, slotOf(state.shape, id));

/** What a person answered is kept for the agent that asked. */
const answered = (before: TaskState | null, state: TaskState, event: Event): void => {
  if (event.kind !== 'decided' || event.body.decision !== 'answer') return;
  const ask = before?.asks[event.id];
  // Where the answer sent the work back, it is asked again.
  if (ask?.kind !== 'question' || state.loops !== before?.loops) return;
  assert.deepEqual(readPaged(state.steps, ask.slot).answer?.value, event.body.value, 'an answer was thrown away');
};

/** A failure that is final is not tried again by itself; what is added is there. */
const reported = (before: TaskState | null, state: TaskState, event: Event): void => {
  // Where its report sent the work back, or was the last one that those who wanted that waited for, the step begins anew.
  if (event.kind !== 'report' || state.loops !== before?.loops || state.revivals !== before.revivals) return;
  const { report } = event;
  const step = stepNamed(state, event.step);
  if (report.outcome === 'failed' && report.error?.retryable === false) {
    assert.ok(step.status !== 'running', 'a final failure runs on');
    assert.ok(step.status !== 'retrying' || step.unjudged !== null, 'a final failure is tried again');
  }
  // A verifier looks, and adds nothing.
  const wasChecked = before !== null && stepNamed(before, event.step).stage === 'verify';
  if (report.outcome === 'succeeded' && step.status === 'succeeded' && !wasChecked && !event.step.startsWith('_')) {
    for (const { id } of report.add_steps ?? []) assert.ok(state.shape.byName.has(id as string), 'steps were lost');
  }
};

/** Nothing of the plan is ordered while something holds the task. */
const held = (before: TaskState | null, state: TaskState, { effects }: Decision): void => {
  if (state.hold === null || before?.hold !== state.hold) return;
  const ordered = effects.flatMap((effect) =>
    effect.kind === 'order' ? [effect.order.step_id] : effect.kind === 'spawn' ? [effect.step] : [],
  );
  assert.deepEqual(
    ordered.filter((id) => !id.startsWith('_')),
    [],
    'ordered although the task is held',
  );
};

const hasBegun = (before: TaskState | null, id: string): boolean => {
  const slot = before === null ? -1 : slotOf(before.shape, id);
  if (before === null || slot < 0) return false;
  const { status } = readPaged(before.steps, slot);
  return status !== 'pending' && !hasEnded(status);
};

const gatesAreOpen = (state: TaskState, spec: Spec, id: string): void => {
  for (let phase = 0; phase < spec.phase; phase += 1) {
    const said = state.plan?.phases?.[phase];
    if (said?.gate === undefined && said?.feedback_to === undefined) continue;
    const steps = state.shape.specs
      .filter((other) => other.phase === phase)
      .flatMap((other) => slotsOf(other).filter((slot) => slot !== other.head))
      .map((slot) => readPaged(state.steps, slot));
    const good = steps.filter((step) => step.status === 'succeeded').length;
    const bad = steps.filter((step) => step.status === 'failed' || step.status === 'cancelled' || step.doomed).length;
    const rate = good + bad === 0 ? 1 : good / (good + bad);
    assert.ok(rate >= (said.gate?.min_success_rate ?? 1), `"${id}" was ordered behind a closed gate`);
  }
};

const bounded = (state: TaskState, slot: number, step: StepState): void => {
  const spec = specOf(state.shape, slot);
  const codes = ['any', ...Object.keys(spec.step.retry?.codes ?? {}), ...Object.keys(state.settings.retry.codes ?? {})];
  const maxAttempts = Math.max(...codes.map((code) => retryRule(spec.step, state.settings, code).maxAttempts));
  const id = idOf(state.shape, slot);
  assert.ok(step.tries <= maxAttempts, `"${id}" was tried ${step.tries} times of ${maxAttempts}`);
  if (step.status !== 'running' || step.timer === null) return;
  const usual = isSubTask(spec, step) ? limits.timeoutMsMax : state.settings.timeout_ms;
  const timeout = step.stage === 'do' ? (spec.step.timeout_ms ?? usual) : usual;
  // Whoever is told to stop is given time for that, however little it had for its work.
  const grace = state.settings.cancel_grace_ms * (isSubTask(spec, step) ? limits.depthMax + 1 : 1);
  const most = step.timer.why === 'cancel' ? Math.max(timeout, grace) : timeout;
  assert.ok(step.timer.at <= state.at + most, `"${id}" may be silent for ever: ${JSON.stringify(step.timer)}`);
  const { ending } = state;
  if (ending === null || hasEnded(step.status) || spec.errand) return;
  if (spec.undoes >= 0 && ending.as === 'failed') return;
  assert.equal(step.timer.why, 'cancel', `"${id}" was not told to stop`);
};
