// The gate at the end of a phase: on to the next one, back to an earlier one, or no further.
import { change, disarm, type Draft, slotsWhere } from './draft.ts';
import { type Group, specOf } from './plan/shape.ts';
import { groupPassed, recount, successRate } from './recount.ts';
import { type GroupState, newStep } from './state.ts';

const loopsDefault = 1;

/** Whether the phase is passed; null where the work goes back. */
export const gate = (draft: Draft, at: number, state: GroupState): boolean | null => {
  const { task } = draft;
  const { name } = task.shape.groups[at] as Group;
  if (groupPassed(task.plan, task.shape.groups[at] as Group, state)) return true;
  const phase = task.plan?.phases?.find((other) => other.name === name);
  if (task.ending !== null) return false;
  const loops = task.loops[name] ?? 0;
  if (phase?.feedback_to !== undefined && loops < (phase.max_loops ?? loopsDefault)) {
    draft.loop = at;
    return null;
  }
  // Without a gate of its own a phase leaves the judgement to each step.
  if (phase?.gate === undefined && phase?.feedback_to === undefined) return false;
  const wanted = phase.gate?.min_success_rate ?? 1;
  const looped = loops > 0 ? `, after ${loops} ${loops === 1 ? 'loop' : 'loops'} back` : '';
  const why = `phase "${name}" did not pass its gate: ${state.succeeded} of ${state.succeeded + state.failed} steps succeeded (${successRate(state).toFixed(2)}, wanted ${wanted})${looped}`;
  task.failures += 1;
  const mode = task.request.on_failure ?? 'stop';
  if (mode === 'pause') task.hold ??= { why: 'failure', by: null, text: `somebody to resume the task, which paused because ${why}` };
  else if (mode !== 'continue') task.ending = { as: 'failed', reason: why, by: null };
  return false;
};

/** Starts the phases from an earlier one up to this one again. Attempt numbers go on, so no report of the last round counts in this one. */
export const loopBack = (draft: Draft, at: number): void => {
  draft.loop = null;
  const { task } = draft;
  const { name } = task.shape.groups[at] as Group;
  const target = task.plan?.phases?.find((phase) => phase.name === name)?.feedback_to ?? name;
  const from = task.shape.groupByName.get(target) ?? at;
  task.loops = { ...task.loops, [name]: (task.loops[name] ?? 0) + 1 };
  const again = slotsWhere(draft, (_, slot) => {
    const { phase } = specOf(task.shape, slot);
    return phase >= from && phase <= at;
  });
  for (const slot of again) reset(draft, slot);
  recount(draft);
};

/** A step as it was before it began, except for what must never come twice. */
export const reset = (draft: Draft, slot: number): void => {
  const { attempt, attempts, error } = draft.steps.read(slot);
  disarm(draft, slot);
  change(draft, slot, { ...newStep, attempt, attempts, error });
};
