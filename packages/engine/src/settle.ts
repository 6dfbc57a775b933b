// What follows from what an event said: steps that ended free or doom what waits for them, phases open or loop back, and in the end the
// task itself ends. One loop over work lists; nothing recurses, so a chain of 10,000 steps that are all skipped is no deeper than one.
import type { Failure, Json } from '@capstan/contracts';
import { endSpent } from './budget.ts';
import { advance } from './dispatch.ts';
import { type Draft, end, isStopping, specIn } from './draft.ts';
import { UnresolvedReference } from './expressions/reference.ts';
import { failForGood } from './fail.ts';
import { finish } from './finish.ts';
import { gate } from './gate.ts';
import { loopBack } from './go-back.ts';
import { addedBytesIssue, grow } from './grow.ts';
import { sendErrands } from './notify.ts';
import { type Group, type Spec, specOf } from './plan/shape.ts';
import { nextTurn } from './policies/max-concurrent-tasks.ts';
import { askPlanner } from './replan.ts';
import { isReplanStep } from './replanning.ts';
import { doom, endedBadly } from './recount.ts';
import { conditionHolds, itemsOf } from './scope.ts';
import { type GroupState, taskEnded } from './state.ts';
import { showStatus } from './status.ts';
import { stopAll } from './stop.ts';
import { passHoldOn } from './sub-task.ts';
import { stepsLeft } from './steps-left.ts';

export const settle = (draft: Draft): void => {
  const { task } = draft;
  let known = draft.before.ending;
  for (;;) {
    drain(draft);
    endSpent(draft);
    // What the drain itself brought to an end, or added to a task that is ending, is stopped as well.
    if (task.ending !== null && !taskEnded(task.status) && (task.ending !== known || draft.grown)) {
      known = task.ending;
      draft.grown = false;
      stopAll(draft);
    } else if (!finish(draft)) break;
  }
  passHoldOn(draft);
  showStatus(draft);
};

// In this order: counting anew (a loop back, a family that opens, an errand) is right only while no end is left to be followed up.
const drain = (draft: Draft): void => {
  for (;;) {
    const ended = draft.ended.take();
    if (ended !== undefined) {
      followUp(draft, ended);
      continue;
    }
    if (draft.loop !== null) {
      loopBack(draft, draft.loop);
      continue;
    }
    if (draft.replan !== null) {
      askPlanner(draft, draft.replan);
      continue;
    }
    const freed = draft.freed.take();
    if (freed !== undefined) {
      start(draft, draft.task.shape.specs[freed] as Spec);
      continue;
    }
    if (draft.lifted) {
      moveOn(draft);
      continue;
    }
    if (giveTurn(draft)) continue;
    if (!sendErrands(draft)) return;
  }
};

/** Tells whatever waits for a step that it has ended. */
const followUp = (draft: Draft, slot: number): void => {
  const { shape } = draft.task;
  const spec = specOf(shape, slot);
  const step = draft.steps.read(slot);
  const bad = endedBadly(step);
  // Whatever came of planning anew, nothing waits for it any more.
  if (isReplanStep(spec.step.id)) draft.lifted = true;
  if (spec.family < 0) for (const next of shape.next[spec.at] as readonly number[]) release(draft, next, bad);
  const done = Number(step.status === 'succeeded' && slot !== spec.head);
  if (spec.family >= 0) oneLess(draft, spec.family, done, Number(bad));
  if (spec.phase >= 0) oneLess(draft, spec.phase, done, Number(bad));
};

/** One place less is open in a group; where it was the last one, whatever waits for the group hears of it. */
const oneLess = (draft: Draft, group: number, succeeded: number, failed: number): void => {
  const { shape } = draft.task;
  let [more, bad] = [succeeded, failed];
  for (let at = group; at >= 0; ) {
    const before = draft.groups.read(at);
    const state: GroupState = {
      left: before.left - 1,
      succeeded: before.succeeded + more,
      failed: before.failed + bad,
    };
    draft.groups.write(at, state);
    if (state.left > 0) return;
    const { kind, next } = shape.groups[at] as Group;
    const passed = kind === 'family' ? state.failed === 0 : gate(draft, at, state);
    if (passed === null) return;
    for (const spec of next) release(draft, spec, !passed);
    // The place that every phase keeps for the one before it.
    at = kind === 'phase' && at + 1 < shape.phases.length ? at + 1 : -1;
    [more, bad] = [0, 0];
  }
};

/** Lets the first step go on that waits for its turn, as far as there is room for it. */
const giveTurn = (draft: Draft): boolean => {
  const slot = nextTurn(draft);
  if (slot >= 0) advance(draft, slot);
  return slot >= 0;
};

const release = (draft: Draft, at: number, bad: boolean): void => {
  const left = draft.waits.read(at) - 1;
  draft.waits.write(at, left);
  if (bad) doom(draft, draft.task.shape.specs[at] as Spec);
  else if (left === 0) draft.freed.push(at);
};

/** A step, or each member of a family, that nothing before it holds any more. */
const start = (draft: Draft, spec: Spec): void => {
  if (spec.head >= 0 && draft.steps.read(spec.head).status === 'pending') open(draft, spec);
  for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) {
    // Stopped by what came of a member before this one: the rest is ended together.
    if (isStopping(draft, spec)) return;
    if (draft.steps.read(slot).status === 'pending' && mayRun(draft, slot, spec)) advance(draft, slot);
  }
};

/** Whether the condition of a step holds. Where it doesn't, the step has ended. */
const mayRun = (draft: Draft, slot: number, spec: Spec): boolean => {
  const { when } = spec.step;
  if (when === undefined) return true;
  const verdict = conditionHolds(draft, slot, spec);
  if ('issue' in verdict) {
    const message = `"${when}": ${verdict.issue}`;
    failForGood(draft, slot, { code: 'invalid_condition', message, retryable: false }, 'not_retryable');
    return false;
  }
  if (!verdict.holds) end(draft, slot, 'skipped');
  return verdict.holds;
};

/** A family whose list is known now. */
const open = (draft: Draft, spec: Spec): void => {
  if (isStopping(draft, spec)) return;
  const items = itemsIn(draft, spec);
  if ('code' in items) return failForGood(draft, spec.head, items, 'not_retryable');
  grow(draft, { kind: 'items', spec: spec.at, items });
  end(draft, spec.head, 'succeeded', { output: { count: items.length } });
};

const itemsIn = (draft: Draft, spec: Spec): readonly Json[] | Failure => {
  try {
    const items = itemsOf(draft, spec);
    const most = stepsLeft(draft);
    const tooMany = items.length > most ? `the list has ${items.length} items; ${most} more steps are allowed` : null;
    const issue = tooMany ?? addedBytesIssue(draft, items);
    return issue === null ? items : { code: 'too_many_steps', message: issue, retryable: false };
  } catch (error) {
    if (!(error instanceof UnresolvedReference)) throw error;
    return { code: 'unresolved_reference', message: error.message, retryable: false };
  }
};

/** Steps that something held which is gone now. */
const moveOn = (draft: Draft): void => {
  draft.lifted = false;
  for (let slot = 0; slot < draft.steps.length; slot += 1) {
    if (draft.steps.read(slot).status === 'ready' && !isStopping(draft, specIn(draft, slot))) advance(draft, slot);
  }
};
