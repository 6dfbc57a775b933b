// What becomes of a failure, as the error decision has it: retry, escalate to a person, put aside as a dead letter, or skip.
import type { DlqReason, Failure } from '@capstan/contracts';
import { ask } from './ask.ts';
import { arm, change, type Draft, end, idIn, shapeIn, specIn } from './draft.ts';
import { orderFor } from './order.ts';
import { isRetryable, retryDelay, retryRule } from './retry.ts';
import type { Group } from './plan/shape.ts';

/** Decides on a failed attempt: attempts left and retryable means another one; not retryable means a person; else it is over. */
export const decideFailure = (draft: Draft, slot: number, failure: Failure): void => {
  const spec = specIn(draft, slot);
  const step = draft.steps.read(slot);
  const rule = retryRule(spec.step, draft.task.settings);
  if (draft.task.ending !== null && !spec.internal) {
    end(draft, slot, 'cancelled', { error: failure });
    return;
  }
  if (!isRetryable(failure, rule)) {
    if (spec.internal || (spec.step.on_failure ?? 'fail') !== 'fail') failForGood(draft, slot, failure, 'not_retryable');
    else escalate(draft, slot, failure);
    return;
  }
  if (step.tries >= rule.maxAttempts) {
    failForGood(draft, slot, failure, failure.code === 'max_deliveries' ? 'max_deliveries' : 'retries_exhausted');
    return;
  }
  const delay = retryDelay(rule, step.tries, failure, `${draft.task.taskId} ${idIn(draft, slot)} ${step.attempt}`);
  change(draft, slot, {
    status: 'retrying', stage: 'do', error: failure,
    waitingFor: `attempt ${step.tries + 1} of ${rule.maxAttempts} in ${delay} ms, after ${failure.code}: ${short(failure.message)}`,
  });
  arm(draft, slot, draft.at + delay, 'retry');
};

const short = (text: string): string => (text.length > 200 ? `${text.slice(0, 199)}…` : text);

/** A failure that trying again won't mend: a person says whether to retry, skip or give up. */
const escalate = (draft: Draft, slot: number, failure: Failure): void => {
  change(draft, slot, { error: failure, stage: 'do' });
  ask(draft, slot, {
    kind: 'flag',
    text: `${failure.code}: ${short(failure.message)}`,
    roles: [],
    expiresMs: draft.task.settings.approval.expires_ms,
    inputHash: '',
    details: { error: failure as never, choices: ['approve: try again', 'reject: give up', 'answer "skip": go on without it'] },
  });
};

/** The end of a step that failed: it is put aside where a person can find it, and what depends on it hears of it. */
export const failForGood = (draft: Draft, slot: number, failure: Failure, reason: DlqReason): void => {
  const spec = specIn(draft, slot);
  const step = change(draft, slot, { error: failure });
  const { task } = draft;
  if (step.attempt > 0) {
    draft.effects.push({
      kind: 'bury', reason, step: idIn(draft, slot), attempt: step.attempt, queue: step.queue ?? 'none', attempts: step.tries,
      error: `${failure.code}: ${failure.message}`,
      hint: `Mend the cause, then run: capstan retry ${task.taskId} --step ${idIn(draft, slot)}`,
      order: orderFor(draft, slot, step),
    });
  }
  const tolerance = spec.step.on_failure ?? 'fail';
  if (tolerance === 'skip') {
    end(draft, slot, 'skipped', { error: failure });
    return;
  }
  end(draft, slot, 'failed', { error: failure });
  if (tolerance === 'continue' || spec.internal || judgedByGate(draft, slot)) return;
  task.failures += 1;
  const why = `step "${idIn(draft, slot)}" failed with ${failure.code}: ${short(failure.message)}`;
  const mode = task.request.on_failure ?? 'stop';
  if (mode === 'pause') {
    if (task.hold === null) task.hold = { why: 'failure', by: null, text: `somebody to resume the task, which paused because ${why}` };
  } else if (mode !== 'continue' && task.ending === null) {
    task.ending = { as: 'failed', reason: why, by: null };
  }
};

/** In a phase with a gate or a way back, the gate judges what failed; the task does not stop at the first failure. */
const judgedByGate = (draft: Draft, slot: number): boolean => {
  const { phase } = specIn(draft, slot);
  if (phase < 0) return false;
  const { name } = shapeIn(draft).groups[phase] as Group;
  const said = draft.task.plan?.phases?.find((other) => other.name === name);
  return said?.gate !== undefined || said?.feedback_to !== undefined;
};
