// Another actor says something: one line for each thing that may be said.
import { type Event, limits } from '@capstan/contracts';
import { textIn } from '../actors/actor.ts';
import { closeAsk } from '../ask.ts';
import { type Draft, ignore } from '../draft.ts';
import { failForGood, failUnlessMoreSpeak } from '../fail.ts';
import { slotOf } from '../plan/shape.ts';

type Told = Extract<Event, { kind: 'told' }>;

/** A breaker says that its circuit is open: what was to be tried again, or judged by a person, is put aside. */
const tripped = (draft: Draft, event: Told): void => {
  const [id = '', attempt] = event.name;
  const slot = slotOf(draft.task.shape, id);
  const step = slot < 0 ? null : draft.steps.read(slot);
  const isOpen = step !== null && (step.status === 'retrying' || step.asked?.kind === 'flag');
  if (step === null || !isOpen || step.attempt !== Number(attempt))
    return ignore(draft, `attempt ${attempt} of "${id}" waits for no other one`);
  const why = textIn(event, 'reason');
  if (step.asked !== null) closeAsk(draft, step.asked, { status: 'withdrawn', by: null, reason: why });
  failForGood(draft, slot, { ...step.error, code: 'circuit_open', message: why }, 'circuit_open');
};

/** A breaker says that its circuit is not open, of a failure that waits for that. */
const passed = (draft: Draft, event: Told): void => {
  const [id = '', attempt] = event.name;
  const slot = slotOf(draft.task.shape, id);
  const step = slot < 0 ? null : draft.steps.read(slot);
  if (step?.status !== 'retrying' || step.unjudged === null || step.attempt !== Number(attempt))
    return ignore(draft, `attempt ${attempt} of "${id}" waits for no circuit`);
  failUnlessMoreSpeak(draft, slot, step.unjudged.left);
};

/** There is room for the task: what waited for that goes on. */
const granted = (draft: Draft): void => {
  if (draft.task.leave !== 'asked') return ignore(draft, 'the task waits for no leave');
  draft.task.leave = 'granted';
  draft.lifted = true;
};

/** What was found stays found; where it is found again, it no longer counts. */
const resolved = (draft: Draft, event: Told): void => {
  const [id = ''] = event.name;
  const { task } = draft;
  if (task.resolved.includes(id)) return ignore(draft, `finding "${id}" is dealt with already`);
  task.resolved = [...task.resolved.slice(1 - limits.resolvedKept), id];
};

const handlers: Readonly<Record<string, (draft: Draft, event: Told) => void>> = { granted, passed, resolved, tripped };

export const told = (draft: Draft, event: Told): void => {
  const handler = Object.hasOwn(handlers, event.what) ? handlers[event.what] : undefined;
  if (handler === undefined) return ignore(draft, `nobody here understands "${event.what}"`);
  handler(draft, event);
};
