// How many more steps a task may have.
import { limits } from '@capstan/contracts';
import type { Draft } from './draft.ts';

/** Families count by their members, a list of members as one; telling people and undoing count for nothing. */
export const stepsLeft = (draft: Draft): number => {
  const { shape, request } = draft.task;
  const most = Math.min(request.budget?.steps ?? limits.budgetStepsDefault, limits.planStepsMax);
  let used = 0;
  for (const spec of shape.specs) if (!spec.internal) used += spec.count;
  return Math.max(0, most - used);
};
