// What a failure that nothing tolerates does to the whole task: stop it, pause it, or let go on what doesn't depend on it.
import type { Step } from '@capstan/contracts';
import { isSpent } from './budget.ts';
import type { Draft } from './draft.ts';
import { idIn, slotsWhere, specIn } from './draft.ts';
import { gateFailure, groupPassed, wantedRate } from './gate-rule.ts';
import type { Spec } from './plan/shape.ts';
import { isReplanning, mayReplan } from './replanning.ts';
import { childPolicyOf } from './sub-task.ts';
import { tellPeople } from './tell.ts';

export const takeFailure = (draft: Draft, why: string): void => {
  const { task } = draft;
  // The planner is at it, and whatever fails meanwhile is no part of the plan that comes.
  if (isReplanning(draft) || (isSpent(draft) && task.ending !== null)) return;
  if (mayReplan(draft)) {
    draft.replan ??= why;
    return;
  }
  const mode = task.request.on_failure ?? 'stop';
  if (mode === 'continue') return;
  if (mode !== 'pause') {
    task.ending ??= { as: 'failed', reason: why, by: null };
    return;
  }
  if (task.hold?.why === 'failure') return;
  const text = `somebody to resume the task, which paused because ${why}`;
  task.hold = { why: 'failure', by: null, text, spec: null };
  tellPeople(draft, 'task.paused', `The task waits for ${text}.`);
};

/** What in a task has failed and was not tolerated, in words; null where nothing has. */
export const failureIn = (draft: Draft): string | null => {
  const [slot] = slotsWhere(draft, (step, at) => step.status === 'failed' && !isTolerated(draft, at));
  if (slot !== undefined) {
    const { error } = draft.steps.read(slot);
    return stepFailure(idIn(draft, slot), error?.code ?? 'unknown', error?.message ?? '');
  }
  for (let at = 0; at < draft.task.shape.phases.length; at += 1) {
    if (!groupPassed(draft, at)) return gateFailure(draft, at, draft.groups.read(at));
  }
  return null;
};

export const stepFailure = (id: string, code: string, message: string): string =>
  `step "${id}" failed with ${code}: ${shortened(message)}`;

const messageMax = 200;
export const shortened = (text: string): string =>
  text.length > messageMax ? `${text.slice(0, messageMax - 1)}…` : text;

/** The step itself says that its failure is no matter, or the gate of its phase is what judges it. */
export const isTolerated = (draft: Draft, slot: number): boolean => {
  const spec = specIn(draft, slot);
  return toleranceOf(spec) !== 'fail' || (spec.phase >= 0 && wantedRate(draft, spec.phase) !== null);
};

/** What a step says about its own failure. */
export const toleranceOf = (spec: Spec): NonNullable<Step['on_failure']> =>
  spec.step.on_failure ?? (childPolicyOf(spec) === 'continue' ? 'continue' : 'fail');
