// The broker found a queue for a step, or none.
import type { Event } from '@capstan/contracts';
import { advance } from '../dispatch.ts';
import { change, disarm, type Draft, idIn, ignore } from '../draft.ts';
import { whenBlocked } from '../policies/agent-availability.ts';
import { tellPeople } from '../tell.ts';
import { slotOf } from '../plan/shape.ts';
import { looksForQueue } from '../standing.ts';

export const routed = (draft: Draft, event: Extract<Event, { kind: 'routed' }>): void => {
  const slot = waitingSlot(draft, event.step, event.attempt);
  if (slot < 0) return;
  disarm(draft, slot);
  change(draft, slot, { queue: event.queue, routed: event.attempt });
  advance(draft, slot);
};

export const unrouted = (draft: Draft, event: Extract<Event, { kind: 'unrouted' }>): void => {
  const slot = waitingSlot(draft, event.step, event.attempt);
  if (slot < 0) return;
  change(draft, slot, { status: 'blocked', waitingFor: event.reason });
  whenBlocked(draft, slot, event.reason);
  tellPeople(draft, 'step.blocked', `"${idIn(draft, slot)}" is blocked: ${event.reason}`, slot);
};

/** The slot of a step that waits for a queue for this attempt, or -1. */
const waitingSlot = (draft: Draft, id: string, attempt: number): number => {
  const slot = slotOf(draft.task.shape, id);
  const step = slot < 0 ? null : draft.steps.read(slot);
  if (step !== null && looksForQueue(step) && step.wanted === attempt) return slot;
  ignore(draft, `"${id}" waits for no queue for attempt ${attempt}`);
  return -1;
};
