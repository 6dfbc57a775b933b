// The gate at the end of a phase: on to the next one, back to an earlier one, or no further.
import type { Draft } from './draft.ts';
import type { GroupState } from './state.ts';
import { takeFailure } from './failure-mode.ts';
import { gateFailure, groupPassed, loopsOf } from './gate-rule.ts';
import type { Group } from './plan/shape.ts';
import { phaseDenial } from './policies/judge.ts';
import { noteGate } from './policies/phase-gate.ts';

const loopsDefault = 1;

/** Whether the phase is passed; null where the work goes back. */
export const gate = (draft: Draft, at: number, state: GroupState): boolean | null => {
  const { task } = draft;
  const barred = groupPassed(draft, at, true) ? phaseDenial(draft, at, state) : null;
  bar(draft, at, barred);
  if (groupPassed(draft, at)) return true;
  // A phase that could not begin, or that was stopped, has nothing to say.
  if (task.ending !== null || (at > 0 && !groupPassed(draft, at - 1))) return false;
  const phase = task.shape.phases[at];
  if (phase?.feedback_to !== undefined && loopsOf(draft, phase.name) < (phase.max_loops ?? loopsDefault)) {
    draft.loop = at;
    return null;
  }
  if (barred === null) noteGate(draft, at, state);
  takeFailure(draft, gateFailure(draft, at, state));
  return false;
};

/** Remembered, since what comes after asks again whether the phase was passed. */
const bar = ({ task }: Draft, at: number, why: string | null): void => {
  const { name } = task.shape.groups[at] as Group;
  if (why !== null) task.barred = { ...task.barred, [name]: why };
  else if (Object.hasOwn(task.barred, name))
    task.barred = Object.fromEntries(Object.entries(task.barred).filter(([other]) => other !== name));
};
