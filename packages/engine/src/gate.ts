// The gate at the end of a phase: on to the next one, back to an earlier one, or no further.
import type { Draft } from './draft.ts';
import type { GroupState } from './state.ts';
import { takeFailure } from './failure-mode.ts';
import { gateFailure, groupPassed, loopsOf } from './gate-rule.ts';

const loopsDefault = 1;

/** Whether the phase is passed; null where the work goes back. */
export const gate = (draft: Draft, at: number, state: GroupState): boolean | null => {
  if (groupPassed(draft, at)) return true;
  const { task } = draft;
  // A phase that could not begin, or that was stopped, has nothing to say.
  if (task.ending !== null || (at > 0 && !groupPassed(draft, at - 1))) return false;
  const phase = task.shape.phases[at];
  if (phase?.feedback_to !== undefined && loopsOf(draft, phase.name) < (phase.max_loops ?? loopsDefault)) {
    draft.loop = at;
    return null;
  }
  takeFailure(draft, gateFailure(draft, at, state));
  return false;
};
