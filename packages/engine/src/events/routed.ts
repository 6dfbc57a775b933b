// The broker found a queue for a step, or none.
import type { Event, Risk } from '@capstan/contracts';
import { block } from '../block.ts';
import { advance } from '../dispatch.ts';
import { change, disarm, type Draft, ignore, specIn } from '../draft.ts';
import { capabilityOf } from '../order.ts';
import { higher } from '../risk.ts';
import { slotOf } from '../plan/shape.ts';
import { looksForQueue } from '../standing.ts';

export const routed = (draft: Draft, event: Extract<Event, { kind: 'routed' }>): void => {
  const slot = waitingSlot(draft, event.step, event.attempt);
  if (slot < 0) return;
  const isAsked = draft.steps.read(slot).status === 'awaiting_approval';
  // The timer of a step that a person is asked about is that of the question.
  if (!isAsked) disarm(draft, slot);
  if (event.risk !== undefined) know(draft, capabilityOf(specIn(draft, slot), draft.steps.read(slot)), event.risk);
  change(draft, slot, { queue: event.queue, routed: event.attempt, unrouted: null });
  if (!isAsked) advance(draft, slot);
};

/** What was once heard of a tool holds for the rest of the task. */
const know = (draft: Draft, capability: string, risk: Risk): void => {
  const { task } = draft;
  const known = Object.hasOwn(task.risks, capability) ? (task.risks[capability] as Risk) : 'low';
  const now = higher(known, risk);
  if (now !== known) task.risks = { ...task.risks, [capability]: now };
};

export const unrouted = (draft: Draft, event: Extract<Event, { kind: 'unrouted' }>): void => {
  const slot = waitingSlot(draft, event.step, event.attempt);
  if (slot < 0) return;
  // The broker says it once; a step that waits for a person is blocked only after that.
  if (draft.steps.read(slot).status === 'awaiting_approval') change(draft, slot, { unrouted: event.reason });
  else block(draft, slot, event.reason);
};

/** The slot of a step that waits for a queue for this attempt, or -1. */
const waitingSlot = (draft: Draft, id: string, attempt: number): number => {
  const slot = slotOf(draft.task.shape, id);
  const step = slot < 0 ? null : draft.steps.read(slot);
  if (step !== null && looksForQueue(step) && step.wanted === attempt) return slot;
  ignore(draft, `"${id}" waits for no queue for attempt ${attempt}`);
  return -1;
};
