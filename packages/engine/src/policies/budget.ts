// A task that has spent its budget starts nothing more.
import { specIn } from '../draft.ts';
import { mustWaitForShare } from '../share.ts';
import { depthOf, taskCapability } from '../sub-task.ts';
import { allowed, type Policy } from './policy.ts';

export const budget: Policy = {
  name: 'budget',
  description:
    'A task that has used up its tokens starts no further step, and one that is deep enough no further task.',
  judge: (draft, slot) => {
    const { depth, depthMax } = depthOf(draft.task);
    if (depth >= depthMax && specIn(draft, slot).step.capability === taskCapability)
      return {
        allowed: false,
        deny: true,
        reason: `a task of depth ${depth} may begin no other: at most ${depthMax} are allowed one below the other`,
        metadata: { depth, most: depthMax },
      };
    if (specIn(draft, slot).step.capability === taskCapability && mustWaitForShare(draft))
      return {
        allowed: false,
        wait: true,
        reason: 'other tasks below this one have what is left of the budget until they end',
        metadata: {},
      };
    const most = draft.task.request.budget?.tokens;
    const used = draft.task.usage.tokensIn + draft.task.usage.tokensOut;
    if (most === undefined || used < most || specIn(draft, slot).internal) return allowed;
    return {
      allowed: false,
      deny: true,
      reason: `the task may use ${most} tokens and has used ${used}`,
      metadata: { used, most },
    };
  },
};
