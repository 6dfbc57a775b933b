// What is counted about a whole plan, worked out anew from the states of its steps: when a snapshot is loaded, and after what is rare (steps
// added, a loop back, a retry of something that had ended). Everything else keeps these counts up to date by itself.
import type { Plan } from '@capstan/contracts';
import { change, type Draft, end } from './draft.ts';
import { draftPaged, type Paged, pagedOf, readPaged } from './paged.ts';
import type { Group, Shape, Spec } from './plan/shape.ts';
import { type GroupState, hasEnded, type StepState } from './state.ts';

/** Ended so that what depends on it can't run. */
export const endedBadly = (step: StepState): boolean => step.status === 'failed' || step.status === 'cancelled' || step.doomed;

type Read = (slot: number) => StepState;

export const countGroups = (shape: Shape, read: Read): Paged<GroupState> =>
  pagedOf(shape.groups.length, (at) => {
    let left = 0;
    let succeeded = 0;
    let failed = 0;
    for (const spec of (shape.groups[at] as Group).specs.map((of) => shape.specs[of] as Spec)) {
      // A family whose members are not known yet holds one place.
      if (spec.first < 0) left += 1;
      for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) {
        const step = read(slot);
        if (!hasEnded(step.status)) left += 1;
        else if (step.status === 'succeeded') succeeded += 1;
        else if (endedBadly(step)) failed += 1;
      }
    }
    return { left, succeeded, failed };
  });

export const countWaits = (shape: Shape, read: Read, groups: Paged<GroupState>): Paged<number> =>
  pagedOf(shape.specs.length, (at) => {
    const spec = shape.specs[at] as Spec;
    const steps = spec.afterSpecs.filter((before) => {
      const { first } = shape.specs[before] as Spec;
      return first < 0 || !hasEnded(read(first).status);
    });
    return steps.length + spec.afterGroups.filter((group) => readPaged(groups, group).left > 0).length;
  });

/** Counts anew within a decision, then frees what waits for nothing and ends what can't run any more. */
export const recount = (draft: Draft): void => {
  const { shape } = draft.task;
  const groups = countGroups(shape, draft.steps.read);
  draft.groups = draftPaged(groups);
  draft.waits = draftPaged(countWaits(shape, draft.steps.read, groups));
  draft.ended.length = 0;
  draft.freed.length = 0;
  for (const spec of shape.specs) {
    if (spec.first >= 0 && !anyPending(draft, spec)) continue;
    const bad = dependsOnBad(draft, spec);
    if (bad && spec.first >= 0) doom(draft, spec);
    else if (bad || draft.waits.read(spec.at) === 0) draft.freed.push(spec.at);
  }
};

/** Whether something that a step depends on has ended so that the step can't run. */
export const dependsOnBad = (draft: Draft, spec: Spec): boolean => {
  const { shape } = draft.task;
  const badStep = spec.afterSpecs.some((at) => {
    const { first } = shape.specs[at] as Spec;
    return first >= 0 && endedBadly(draft.steps.read(first));
  });
  return badStep || spec.afterGroups.some((at) => {
    const state = draft.groups.read(at);
    return state.left === 0 && !groupPassed(draft.task.plan, shape.groups[at] as Group, state);
  });
};

/** A family passes when no member failed; a phase when its gate says so. */
export const groupPassed = (plan: Plan | null, group: Group, state: GroupState): boolean => {
  if (group.kind === 'family') return state.failed === 0;
  const wanted = plan?.phases?.find((phase) => phase.name === group.name)?.gate?.min_success_rate ?? 1;
  return successRate(state) >= wanted;
};

/** Skipped steps count neither way; a phase in which nothing was done has nothing against it. */
export const successRate = (state: GroupState): number => {
  const done = state.succeeded + state.failed;
  return done === 0 ? 1 : state.succeeded / done;
};

const anyPending = (draft: Draft, spec: Spec): boolean => {
  for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) if (draft.steps.read(slot).status === 'pending') return true;
  return false;
};

/** Skips what depends on something that ended badly. */
export const doom = (draft: Draft, spec: Spec): void => {
  for (let slot = spec.first; slot >= 0 && slot < spec.first + spec.count; slot += 1) {
    if (hasEnded(draft.steps.read(slot).status)) continue;
    change(draft, slot, { doomed: true, error: { code: 'dependency_failed', message: 'What this step depends on did not succeed.' } });
    end(draft, slot, 'skipped');
  }
};
