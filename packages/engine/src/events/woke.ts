// Time passed: a timer that was asked for is due. That it was said is all that counts; no clock is looked at.
import type { Event, Failure } from '@capstan/contracts';
import { closeAsk } from '../ask.ts';
import { advance } from '../dispatch.ts';
import { change, closeAttempt, type Draft, end, ignore, specIn } from '../draft.ts';
import { decideFailure, failForGood, failUnlessMoreSpeak } from '../fail.ts';
import { iso } from '../hash.ts';
import { lateText, sayLate } from '../sla.ts';
import { timeoutOf } from '../order.ts';
import { slotOf } from '../plan/shape.ts';
import { stillBlocked } from '../policies/agent-availability.ts';
import { refusedBy } from '../policies/refused.ts';
import { tellToStop } from '../sub-task.ts';

type Woke = Extract<Event, { kind: 'woke' }>;

export const woke = (draft: Draft, event: Woke): void => {
  if (event.step === null) return wokeTask(draft, event.n);
  const slot = slotOf(draft.task.shape, event.step);
  const timer = slot < 0 ? null : draft.steps.read(slot).timer;
  if (timer === null || timer.n !== event.n)
    return ignore(draft, `timer ${event.n} of "${event.step}" is no longer set`);
  change(draft, slot, { timer: null });
  switch (timer.why) {
    case 'retry':
      if (draft.steps.read(slot).unjudged !== null) return failUnlessMoreSpeak(draft, slot, 0);
      return advance(draft, slot);
    case 'attempt':
      return silent(draft, slot);
    case 'sla':
      return late(draft, slot);
    case 'cancel':
      closeAttempt(draft, slot, 'lost');
      return end(draft, slot, 'cancelled');
    case 'blocked':
      return stillBlocked(draft, slot);
    case 'expiry':
      return expired(draft, slot);
    default:
      return ignore(draft, `timer ${event.n} is for nothing that a step waits for`);
  }
};

/** An attempt that nobody reported in time is lost; its agent is told to stop, should it still be at it. */
const silent = (draft: Draft, slot: number): void => {
  const seconds = timeoutOf(draft, specIn(draft, slot), draft.steps.read(slot)) / 1_000;
  giveUp(draft, slot, { code: 'timeout', message: `No report within ${seconds} s.` });
};

const late = (draft: Draft, slot: number): void => {
  sayLate(draft, slot);
  giveUp(draft, slot, { code: 'sla_exceeded', message: lateText(specIn(draft, slot)) });
};

const giveUp = (draft: Draft, slot: number, failure: Failure): void => {
  const { stage } = draft.steps.read(slot);
  tellToStop(draft, slot, failure.code, draft.at);
  closeAttempt(draft, slot, 'lost');
  decideFailure(draft, slot, failure, stage);
};

const expired = (draft: Draft, slot: number): void => {
  const { asked, error } = draft.steps.read(slot);
  if (asked !== null) closeAsk(draft, asked, { status: 'expired', by: null, reason: null });
  if (asked?.kind === 'flag' && error !== null) return failForGood(draft, slot, error, 'not_retryable');
  const what = asked?.kind === 'approval' ? 'approval' : 'answer';
  const message = `No ${what} came until ${iso(draft.at)}.`;
  const refused = asked === null ? {} : refusedBy(draft, asked, message);
  const failure: Failure = { code: 'expired', message, retryable: false, ...refused };
  failForGood(draft, slot, failure, 'expired');
};

const wokeTask = (draft: Draft, n: number): void => {
  const { task } = draft;
  const timer = task.timers.find((set) => set.n === n);
  if (timer === undefined) return ignore(draft, `timer ${n} is no longer set`);
  task.timers = task.timers.filter((set) => set.n !== n);
  const why = timer.why === 'deadline' ? `the deadline ${iso(timer.at)} passed` : 'the budget of wall time is used up';
  task.ending ??= { as: 'failed', reason: why, by: null };
};
