// So many steps of one task run at once; the others wait, in the order of the plan. How much runs in all is a matter of quotas and turns.
import type { Draft } from '../draft.ts';
import { countsIn, isWaitingTurn } from '../draft.ts';
import { mustWaitForShare } from '../share.ts';
import { allowed, type Policy } from './policy.ts';

export const maxConcurrentTasks: Policy = {
  name: 'max-concurrent-tasks',
  description: 'So many steps of a task run at once as the settings say; the others wait for their turn.',
  mode: ({ policies }) => policies.max_concurrent_tasks?.mode ?? 'off',
  ofChecks: true,
  judge: (draft, slot) => {
    const most = mostIn(draft);
    // A check that follows at once takes the place of the work that it checks.
    const others = runningIn(draft) - Number(draft.steps.read(slot).status === 'running');
    if (others < most) return allowed;
    const reason = `at most ${most} steps of a task run at once`;
    return { allowed: false, wait: true, reason, metadata: { max: most } };
  },
};

const mostIn = ({ task }: Draft): number => task.settings.policies.max_concurrent_tasks?.max ?? Infinity;
const runningIn = (draft: Draft): number => countsIn(draft).running ?? 0;

/** The first step that waits for its turn and may have it now, or -1. Looks at no slot twice unless a step before it came to wait since. */
export const nextTurn = (draft: Draft): number => {
  const { task } = draft;
  if (task.turns.waiting === 0 || task.hold !== null || task.ending !== null || runningIn(draft) >= mostIn(draft))
    return -1;
  const { from } = task.turns;
  let skipped = -1;
  for (let slot = from; slot < draft.steps.length; slot += 1) {
    const step = draft.steps.read(slot);
    if (!isWaitingTurn(step)) continue;
    // It does not wait for room, and others behind it may go.
    if (step.heldBy === 'budget' && mustWaitForShare(draft)) {
      if (skipped < 0) skipped = slot;
      continue;
    }
    task.turns = { ...task.turns, from: skipped < 0 ? slot : skipped };
    return slot;
  }
  return -1;
};
