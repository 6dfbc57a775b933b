// A task that has spent its budget starts nothing more.
import { specIn } from '../draft.ts';
import { allowed, type Policy } from './policy.ts';

export const budget: Policy = {
  name: 'budget',
  description: 'A task that has used up its tokens starts no further step.',
  judge: (draft, slot) => {
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
