// How many more steps a task may have.
import { limits } from '@capstan/contracts';
import { stepsBelow } from './budget.ts';
import type { Draft } from './draft.ts';

/** Families count by their members, a list of members as one; telling people and undoing count for nothing. */
export const stepsLeft = (draft: Draft): number => {
  const most = Math.min(draft.task.request.budget?.steps ?? limits.budgetStepsDefault, limits.planStepsMax);
  return Math.max(0, most - stepsUsed(draft));
};

/** Those of the plan and, where they are counted, of the tasks below. */
export const stepsUsed = (draft: Draft): number => {
  let used = 0;
  for (const spec of draft.task.shape.specs) if (!spec.internal) used += spec.count;
  return used + stepsBelow(draft);
};
