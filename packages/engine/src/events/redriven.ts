// A dead letter of a step was redriven: the step gets a fresh attempt, and its workflow goes on.
import type { Event } from '@capstan/contracts';
import { type Draft, ignore, specIn } from '../draft.ts';
import { slotOf } from '../plan/shape.ts';
import { isAside, isUndoOfNow, revive, reviveAside } from '../revive.ts';
import { hasEnded } from '../state.ts';

export const redriven = (draft: Draft, event: Extract<Event, { kind: 'redriven' }>): void => {
  const slot = slotOf(draft.task.shape, event.step);
  if (slot < 0) return ignore(draft, `No step is named "${event.step}".`);
  const { status } = draft.steps.read(slot);
  if (!hasEnded(status) || status === 'succeeded') {
    return ignore(draft, `"${event.step}" is ${status}; there is nothing to redrive.`);
  }
  again(draft, slot, event.step);
};

/** Does one ended step again, with whatever that takes. */
export const again = (draft: Draft, slot: number, id: string): void => {
  if (draft.steps.read(slot).removed) return ignore(draft, `"${id}" is not part of the plan any more.`);
  if (!isAside(draft, slot)) return revive(draft, { slots: [slot], skippedBy: null });
  if (!specIn(draft, slot).errand && !isUndoOfNow(draft, slot)) {
    return ignore(draft, `The task has gone on since "${id}" was to undo something.`);
  }
  // Who cancels a task that is being undone stops that as well.
  if (!specIn(draft, slot).errand && draft.task.ending?.as === 'cancelled') {
    return ignore(draft, 'The task was cancelled, and its undoing with it.');
  }
  reviveAside(draft, slot);
};
