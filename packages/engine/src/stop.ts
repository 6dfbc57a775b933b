// Stopping a whole task, because somebody cancelled it or because it failed: what has not begun ends at once, what runs is told and given time.
import { withdraw } from './ask.ts';
import { isSpent } from './budget.ts';
import { arm, change, type Draft, end, isStopping, slotsWhere, specIn } from './draft.ts';
import { hasEnded } from './state.ts';
import { graceOf, tellToStop } from './sub-task.ts';

export const stopAll = (draft: Draft): void => {
  const { ending } = draft.task;
  if (ending === null) return;
  const reason = ending.as === 'cancelled' ? ending.reason : isSpent(draft) ? ending.reason : 'another step failed';
  for (const slot of slotsWhere(draft, (step, at) => !hasEnded(step.status) && isStopping(draft, specIn(draft, at)))) {
    const { status, timer } = draft.steps.read(slot);
    if (status !== 'running') {
      withdraw(draft, slot, reason);
      end(draft, slot, 'cancelled');
    } else if (timer?.why !== 'cancel') stopRunning(draft, slot, reason);
  }
};

/** Tells the agent to stop; when it says nothing in time, the attempt counts as cancelled without its word. */
const stopRunning = (draft: Draft, slot: number, reason: string): void => {
  const forceAt = draft.at + graceOf(draft, slot);
  tellToStop(draft, slot, reason, forceAt);
  change(draft, slot, { waitingFor: `the agent to stop: ${reason}` });
  arm(draft, slot, forceAt, 'cancel');
};
