// What is counted about a whole plan, worked out anew from the states of its steps: when a snapshot is loaded, and after what is rare (steps
// added, a loop back, a retry of something that had ended). Everything else keeps these counts up to date by itself.
import { change, type Draft, end } from './draft.ts';
import { gate } from './gate.ts';
import { groupPassed } from './gate-rule.ts';
import { type Paged, PagedDraft, pagedOf, readPaged } from './paged.ts';
import type { Group, Shape, Spec } from './plan/shape.ts';
import { type GroupState, hasEnded, type StepState } from './state.ts';

/** Ended so that what depends on it can't run. */
export const endedBadly = (step: StepState): boolean =>
  step.status === 'failed' || step.status === 'cancelled' || step.doomed;

type Read = (slot: number) => StepState;

export const countGroups = (shape: Shape, read: Read): Paged<GroupState> => {
  const groups = shape.groups.map((group) => countGroup(shape, group, read));
  // A phase is not over before the one in front of it, even where nothing of its own is open any more.
  for (let at = 1; at < shape.phases.length; at += 1) {
    const state = groups[at] as GroupState;
    if ((groups[at - 1] as GroupState).left > 0) groups[at] = { ...state, left: state.left + 1 };
  }
  return pagedOf(groups.length, (at) => groups[at] as GroupState);
};

const countGroup = (shape: Shape, group: Group, read: Read): GroupState => {
  let left = 0;
  let succeeded = 0;
  let failed = 0;
  const count = (slot: number, isList: boolean) => {
    const step = read(slot);
    if (!hasEnded(step.status)) left += 1;
    else if (endedBadly(step)) failed += 1;
    else if (step.status === 'succeeded' && !isList) succeeded += 1;
  };
  for (const at of group.specs) {
    const spec = shape.specs[at] as Spec;
    if (spec.head >= 0) count(spec.head, true);
    for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) count(slot, false);
  }
  return { left, succeeded, failed };
};

export const countWaits = (shape: Shape, read: Read, groups: Paged<GroupState>): Paged<number> =>
  pagedOf(shape.specs.length, (at) => {
    const spec = shape.specs[at] as Spec;
    let waits = 0;
    for (const before of spec.afterSpecs) {
      if (!hasEnded(read((shape.specs[before] as Spec).first).status)) waits += 1;
    }
    for (const group of spec.afterGroups) if (readPaged(groups, group).left > 0) waits += 1;
    return waits;
  });

/** Counts anew within a decision, then frees what waits for nothing and ends what can't run any more. */
export const recount = (draft: Draft): void => {
  const { shape } = draft.task;
  const read: Read = (slot) => draft.steps.read(slot);
  const before = draft.groups;
  const groups = countGroups(shape, read);
  draft.groups = new PagedDraft(groups);
  draft.waits = new PagedDraft(countWaits(shape, read, groups));
  draft.ended.clear();
  draft.freed.clear();
  judgePhases(draft, before);
  // The loop back counts once more.
  if (draft.loop !== null) return;
  for (const spec of shape.specs) {
    if (!anyPending(draft, spec)) continue;
    if (dependsOnBad(draft, spec)) doom(draft, spec);
    else if (draft.waits.read(spec.at) === 0) draft.freed.push(spec.at);
  }
};

/** A phase may be over by counting alone, such as one whose last family turned out to be empty. */
const judgePhases = (draft: Draft, before: PagedDraft<GroupState>): void => {
  for (let at = 0; at < draft.task.shape.phases.length; at += 1) {
    const state = draft.groups.read(at);
    if (state.left > 0 || at >= before.length || before.read(at).left === 0) continue;
    if (gate(draft, at, state) === null) return;
  }
};

/** Whether something that a step depends on has ended so that the step can't run. */
export const dependsOnBad = (draft: Draft, spec: Spec): boolean => {
  const { shape } = draft.task;
  for (const at of spec.afterSpecs) if (endedBadly(draft.steps.read((shape.specs[at] as Spec).first))) return true;
  for (const at of spec.afterGroups) if (draft.groups.read(at).left === 0 && !groupPassed(draft, at)) return true;
  return false;
};

const anyPending = (draft: Draft, spec: Spec): boolean => {
  if (spec.head >= 0 && draft.steps.read(spec.head).status === 'pending') return true;
  for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) {
    if (draft.steps.read(slot).status === 'pending') return true;
  }
  return false;
};

/** Skips what depends on something that ended badly. What has begun goes on: it needed nothing more. */
export const doom = (draft: Draft, spec: Spec): void => {
  if (spec.head >= 0) doomSlot(draft, spec.head);
  for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) doomSlot(draft, slot);
};

const dependencyFailed = Object.freeze({
  code: 'dependency_failed',
  message: 'What this step depends on did not succeed.',
});

const doomSlot = (draft: Draft, slot: number): void => {
  if (draft.steps.read(slot).status !== 'pending') return;
  change(draft, slot, { doomed: true, error: dependencyFailed });
  end(draft, slot, 'skipped');
};
