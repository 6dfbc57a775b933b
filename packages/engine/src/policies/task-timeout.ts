// An attempt may not be allowed to take longer than the installation wants.
import { specIn } from '../draft.ts';
import { allowed, type Policy } from './policy.ts';

export const taskTimeout: Policy = {
  name: 'task-timeout',
  description: 'The time-out of a step is at most what the settings say.',
  mode: ({ policies }) => policies.task_timeout?.mode ?? 'off',
  judge: (draft, slot) => {
    const most = draft.task.settings.policies.task_timeout?.max_ms ?? Infinity;
    // One that says nothing has what is usual, and that is bounded by the same.
    const wanted = specIn(draft, slot).step.timeout_ms ?? 0;
    if (wanted <= most) return allowed;
    return {
      allowed: false,
      deny: true,
      reason: `the step may take ${wanted} ms, and at most ${most} ms are allowed`,
      metadata: { timeout_ms: wanted, max_ms: most },
    };
  },
};
