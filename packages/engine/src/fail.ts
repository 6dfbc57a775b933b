// What becomes of a failure, as the error decision has it: retry, escalate to a person, put aside as a dead letter, or skip.
import { type DlqReason, type Failure, limits } from '@capstan/contracts';
import { approversOf } from './approved.ts';
import { ask } from './ask.ts';
import { tellBreakers } from './circuit.ts';
import { arm, change, type Draft, end, idIn, isStopping, specIn } from './draft.ts';
import { isTolerated, shortened, stepFailure, takeFailure, toleranceOf } from './failure-mode.ts';
import { inputHash } from './hash.ts';
import { waitForMeans, wasHindered } from './hindered.ts';
import { orderFor } from './order.ts';
import { mayReplan } from './replanning.ts';
import { isRetryable, retryDelay, retryRule } from './retry.ts';
import { inputOrRaw } from './scope.ts';
import { isOverSla } from './sla.ts';
import { childPolicyOf } from './sub-task.ts';

/**
 * Decides on a failed attempt: attempts left and retryable means another one; not retryable means a person; else it is over. `again` says
 * which stage the next attempt is in: a check that could not be made is made again, without the work that it checks.
 */
export const decideFailure = (draft: Draft, slot: number, failure: Failure, again: 'do' | 'verify' = 'do'): void => {
  const spec = specIn(draft, slot);
  if (isStopping(draft, spec)) {
    end(draft, slot, 'cancelled', { error: failure });
    return;
  }
  if (wasHindered(draft, failure)) {
    waitForMeans(draft, slot, failure, again);
    return;
  }
  const { tries, attempt } = draft.steps.read(slot);
  const rule = retryRule(spec.step, draft.task.settings, failure.code);
  const isVital = toleranceOf(spec) === 'fail';
  // What becomes of a task that failed, the plan has said; only where it says so is a person asked.
  const policy = childFailures.has(failure.code) ? childPolicyOf(spec) : null;
  if (!isRetryable(failure, rule)) {
    const asks = isVital && policy !== 'fail' && !mayReplan(draft);
    return giveUp(draft, slot, failure, asks ? null : 'not_retryable');
  }
  if (tries >= rule.maxAttempts) {
    const asks = isVital && (isOverSla(draft, slot) || policy === 'ask');
    const reason = failure.code === 'max_deliveries' ? 'max_deliveries' : 'retries_exhausted';
    return giveUp(draft, slot, failure, asks ? null : reason);
  }
  tellBreakers(draft, slot, failure, false);
  const delay = retryDelay(rule, tries, failure, `${draft.task.taskId} ${idIn(draft, slot)} ${attempt}`);
  const nth = `attempt ${tries + 1} of ${rule.maxAttempts}`;
  change(draft, slot, {
    status: 'retrying',
    stage: again,
    // The next check uses up a try of its own, so that checking ends as well.
    tries: again === 'verify' ? tries + 1 : tries,
    error: failure,
    waitingFor: `${nth} in ${delay} ms, after ${failure.code}: ${shortened(failure.message)}`,
  });
  arm(draft, slot, draft.at + delay, 'retry');
};

const childFailures = new Set(['child_failed', 'child_cancelled']);

/** No other attempt: a person is asked, or it is put aside for a reason, unless a circuit is open: then that is the reason. */
const giveUp = (draft: Draft, slot: number, failure: Failure, reason: DlqReason | null): void => {
  const left = tellBreakers(draft, slot, failure, reason !== null);
  if (reason === null) return escalate(draft, slot, failure);
  if (left === 0) return failForGood(draft, slot, failure, reason);
  const waitingFor = `the circuit of its queue to say whether it is open, after ${failure.code}: ${shortened(failure.message)}`;
  change(draft, slot, { status: 'retrying', error: failure, unjudged: { left, reason }, waitingFor });
  // Whoever does not answer is not waited for, as it may be quarantined.
  arm(draft, slot, draft.at + limits.circuitRecoveryMs, 'retry');
};

/** A breaker says that its circuit is not open, or says nothing in time: where none is left to be heard, the failure is what it was. */
export const failUnlessMoreSpeak = (draft: Draft, slot: number, more: number): void => {
  const { error, unjudged } = draft.steps.read(slot);
  if (unjudged === null || error === null) return;
  const left = Math.min(more, unjudged.left - 1);
  if (left > 0) change(draft, slot, { unjudged: { ...unjudged, left } });
  else failForGood(draft, slot, error, unjudged.reason);
};

/** A failure that trying again won't mend: a person says whether to retry, skip or give up. */
const escalate = (draft: Draft, slot: number, failure: Failure): void => {
  change(draft, slot, { error: failure, stage: 'do' });
  const approvers = approversOf(draft, slot);
  ask(draft, slot, {
    kind: 'flag',
    text: `${failure.code}: ${shortened(failure.message)}`,
    ...approvers,
    expiresMs: draft.task.settings.approval.expires_ms,
    // Trying again is bound to what was approved: where plan or input have changed by then, it is approved again.
    inputHash: approvers.ofApproved === true ? inputHash(draft.task.planHash, inputOrRaw(draft, slot)) : '',
    details: {
      error: failure as never,
      choices: ['approve: try again', 'reject: give up', 'answer "skip": go on without it'],
    },
  });
};

/** The end of a step that failed: it is put aside where a person can find it, and what depends on it hears of it. */
export const failForGood = (draft: Draft, slot: number, failure: Failure, reason: DlqReason): void => {
  // An order that came to an agent which can't do such a thing took a wrong way.
  const isAstray = failure.code === 'unknown_capability' && reason === 'not_retryable';
  bury(draft, slot, failure, isAstray ? 'unroutable' : reason);
  end(draft, slot, toleranceOf(specIn(draft, slot)) === 'skip' ? 'skipped' : 'failed', { error: failure });
  // In a phase with a gate or a way back, the gate judges what failed.
  if (!isTolerated(draft, slot)) takeFailure(draft, stepFailure(idIn(draft, slot), failure.code, failure.message));
};

/** Where nothing was ordered since the step last began, there is nothing to put aside. */
const bury = (draft: Draft, slot: number, failure: Failure, reason: DlqReason): void => {
  const step = change(draft, slot, { error: failure });
  if (step.startedAt === null) return;
  const id = idIn(draft, slot);
  draft.effects.push({
    kind: 'bury',
    reason,
    step: id,
    attempt: step.attempt,
    queue: step.queue ?? 'none',
    attempts: step.tries,
    error: `${failure.code}: ${failure.message}`,
    hint: `Mend the cause, then run: capstan retry ${draft.task.taskId} --step ${id}`,
    order: orderFor(draft, slot, step, inputOrRaw(draft, slot)),
  });
};
