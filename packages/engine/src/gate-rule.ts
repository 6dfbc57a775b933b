// What the gate of a phase asks for, and whether it has it.
import type { Draft } from './draft.ts';
import type { Group } from './plan/shape.ts';
import type { GroupState } from './state.ts';

export const loopsOf = (draft: Draft, name: string): number =>
  Object.hasOwn(draft.task.loops, name) ? (draft.task.loops[name] as number) : 0;

/** A family passes when no member failed; a phase when it and all before it pass their gates. */
export const groupPassed = (draft: Draft, at: number, byCount = false): boolean => {
  const { shape } = draft.task;
  if ((shape.groups[at] as Group).kind === 'family') return draft.groups.read(at).failed === 0;
  for (let phase = 0; phase <= at; phase += 1) {
    if (!(byCount && phase === at) && Object.hasOwn(draft.task.barred, (shape.groups[phase] as Group).name))
      return false;
    const wanted = wantedRate(draft, phase);
    if (wanted !== null && successRate(draft.groups.read(phase)) < wanted) return false;
  }
  return true;
};

/** What the gate of a phase asks for; null where it has none, and leaves the judgement to each step. */
export const wantedRate = (draft: Draft, at: number): number | null => {
  const phase = draft.task.shape.phases[at];
  if (phase === undefined) return null;
  if (phase.gate !== undefined || phase.feedback_to !== undefined) return phase.gate?.min_success_rate ?? 1;
  const { phase_gate: common } = draft.task.settings.policies;
  return common?.mode === 'enforce' ? common.min_success_rate : null;
};

/**
 * What was skipped by its condition or by hand counts neither way; what could not run because something failed counts as failed. A phase in
 * which nothing was done has nothing against it.
 */
export const successRate = (state: GroupState): number => {
  const done = state.succeeded + state.failed;
  return done === 0 ? 1 : state.succeeded / done;
};

/** Why a phase did not pass, in words. */
export const gateFailure = (draft: Draft, at: number, state: GroupState): string => {
  const { name } = draft.task.shape.groups[at] as Group;
  const barred = Object.hasOwn(draft.task.barred, name) ? draft.task.barred[name] : undefined;
  if (barred !== undefined) return `phase "${name}" was not passed: ${barred}`;
  const loops = loopsOf(draft, name);
  const looped = loops > 0 ? `, after ${loops} ${loops === 1 ? 'loop' : 'loops'} back` : '';
  const rate = `${state.succeeded} of ${state.succeeded + state.failed} steps succeeded`;
  return `phase "${name}" did not pass its gate: ${rate} (${successRate(state).toFixed(2)}, wanted ${wantedRate(draft, at) ?? 1})${looped}`;
};
