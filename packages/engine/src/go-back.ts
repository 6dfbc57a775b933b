// Going back: what had ended begins again, and with it whatever depends on it. Attempt numbers go on, so no report of before counts now.
import { withdraw } from './ask.ts';
import { change, closeAttempt, disarm, type Draft, slotsWhere, specIn } from './draft.ts';
import { loopsOf } from './gate-rule.ts';
import { type Group, type Spec, slotsOf, specOf } from './plan/shape.ts';
import { recount } from './recount.ts';
import { hasEnded, newStep, skippedByHand } from './state.ts';
import { tellToStop } from './sub-task.ts';

/** Starts the phases from an earlier one up to this one again. */
export const loopBack = (draft: Draft, at: number): void => {
  draft.loop = null;
  const { task } = draft;
  const { name, feedback_to } = task.shape.phases[at] as { name: string; feedback_to?: string };
  const from = task.shape.groupByName.get(feedback_to ?? name) ?? at;
  task.loops = { ...task.loops, [name]: loopsOf(draft, name) + 1 };
  const slots = slotsWhere(draft, (_, slot) => {
    const { phase } = specOf(task.shape, slot);
    return phase >= from && phase <= at;
  });
  goBackTo(draft, slots);
  recount(draft);
};

/** Resets slots and everything that depends on them. What a person skipped stays skipped, unless it is named itself. */
export const goBackTo = (draft: Draft, slots: readonly number[], named: ReadonlySet<number> = new Set()): void => {
  const again = new Set(slots);
  for (const slot of downstreamOf(draft, slots)) again.add(slot);
  for (const slot of again) {
    if (named.has(slot) || !skippedByHand(draft.steps.read(slot))) reset(draft, slot);
  }
};

/** A step as it was before it began, except for what must never come twice. */
export const reset = (draft: Draft, slot: number): void => {
  const step = draft.steps.read(slot);
  const spec = specIn(draft, slot);
  // The members of a family are known once and for all.
  if (slot === spec.head && step.status === 'succeeded') return;
  if (step.status === 'pending' || step.removed) return;
  if (!hasEnded(step.status)) {
    const reason = 'what this step depends on is done again';
    if (step.status === 'running') {
      tellToStop(draft, slot, reason, draft.at);
      closeAttempt(draft, slot, 'cancelled');
    }
    withdraw(draft, slot, reason);
    disarm(draft, slot);
  }
  const { attempts, error } = draft.steps.read(slot);
  // A number that a queue was looked for is spent as well: that name has been said.
  const attempt = Math.max(step.attempt, step.wanted);
  change(draft, slot, { ...newStep, attempt, attempts, error: step.doomed ? null : error });
};

/** Everything that waits, however far down, for one of these slots. */
const downstreamOf = (draft: Draft, slots: readonly number[]): number[] => {
  const { shape } = draft.task;
  const specs = new Set<number>();
  const groups = new Set<number>();
  const queue: number[] = [];
  const visit = (at: number) => {
    if (specs.has(at)) return;
    specs.add(at);
    queue.push(at);
  };
  const leave = (group: number) => {
    for (let at = group; at >= 0 && !groups.has(at); ) {
      groups.add(at);
      const { kind, next } = shape.groups[at] as Group;
      for (const spec of next) visit(spec);
      // The next phase is not over before this one, even where it has no steps.
      at = kind === 'phase' && at + 1 < shape.phases.length ? at + 1 : -1;
    }
  };
  const follow = (spec: Spec) => {
    for (const next of shape.next[spec.at] as readonly number[]) visit(next);
    leave(spec.family);
    leave(spec.phase);
  };
  for (const at of new Set(slots.map((slot) => specOf(shape, slot).at))) follow(shape.specs[at] as Spec);
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) follow(shape.specs[at] as Spec);
  return [...specs].flatMap((at) => slotsOf(shape.specs[at] as Spec));
};
