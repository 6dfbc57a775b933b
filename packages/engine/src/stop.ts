// Stopping a whole task, because somebody cancelled it or because it failed: what has not begun ends at once, what runs is told and given time.
import { withdraw } from './ask.ts';
import { arm, change, type Draft, end, idIn, slotsWhere, specIn } from './draft.ts';
import { hasEnded } from './state.ts';

export const stopAll = (draft: Draft): void => {
  const { ending } = draft.task;
  if (ending === null) return;
  const reason = ending.as === 'cancelled' ? ending.reason : 'another step failed';
  for (const slot of slotsWhere(draft, (step, slot) => !hasEnded(step.status) && !specIn(draft, slot).errand)) {
    if (draft.steps.read(slot).status === 'running') stopRunning(draft, slot, reason);
    else {
      withdraw(draft, slot, reason);
      end(draft, slot, 'cancelled');
    }
  }
};

/** Tells the agent to stop; when it says nothing in time, the attempt counts as cancelled without its word. */
export const stopRunning = (draft: Draft, slot: number, reason: string): void => {
  const { attempt } = draft.steps.read(slot);
  const forceAt = draft.at + draft.task.settings.cancel_grace_ms;
  draft.effects.push({ kind: 'cancel', step: idIn(draft, slot), attempt, reason, forceAt });
  change(draft, slot, { waitingFor: `the agent to stop: ${reason}` });
  arm(draft, slot, forceAt, 'cancel');
};
