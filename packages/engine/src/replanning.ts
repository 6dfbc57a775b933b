// Whether a task may be planned anew, and whether it just now is.
import { isSpent } from './budget.ts';
import type { Draft } from './draft.ts';
import { slotOf, specOf } from './plan/shape.ts';
import { hasEnded } from './state.ts';

const prefix = '_replan-';
/** Planning anew is a step like any other: its report brings the steps of the new plan. */
export const replanId = (n: number): string => `${prefix}${n}`;
export const isReplanStep = (id: string): boolean => id.startsWith(prefix);

/** The step that planned anew last, or -1. */
const lastSlot = ({ task }: Draft): number => (task.replans === 0 ? -1 : slotOf(task.shape, replanId(task.replans)));

export const isReplanning = (draft: Draft): boolean => {
  const slot = lastSlot(draft);
  return slot >= 0 && !hasEnded(draft.steps.read(slot).status);
};

export const replansMax = ({ task }: Draft): number => (task.request.replan ?? task.plan?.replan)?.max ?? 0;

/** As often as was said; and no more once the planner itself gave up. */
export const mayReplan = (draft: Draft): boolean => {
  const { task } = draft;
  if (isSpent(draft)) return false;
  if (task.ending !== null || task.plan === null || task.replans >= replansMax(draft)) return false;
  const slot = lastSlot(draft);
  return slot < 0 || draft.steps.read(slot).status === 'succeeded';
};

export const whyReplanned = (draft: Draft): string => {
  const slot = lastSlot(draft);
  const feedback = slot < 0 ? undefined : specOf(draft.task.shape, slot).step.input?.['feedback'];
  return (feedback as { reason?: string } | undefined)?.reason ?? 'something failed';
};
