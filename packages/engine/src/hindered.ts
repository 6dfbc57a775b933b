// Work that reached nobody who could do it has not failed: its agent lacks what it needs, such as a sandbox, or all agents of its queue have left. The
// step uses up no try, and a queue is looked for anew: where nobody can serve it, it is blocked until somebody can.
import type { Failure } from '@capstan/contracts';
import { arm, change, type Draft } from './draft.ts';
import { shortened } from './failure-mode.ts';
import type { TaskState } from './state.ts';

const lackingCode = 'sandbox_unavailable';
/** What a coordinator says of an order that nobody was given, and whose queue nobody serves any more. */
export const unservedCode = 'no_agent';
/** However soon the agent would like to be asked again. */
const soonestMs = 5_000;

/** Whether a task knows what to do where all agents of a queue have left; without that it would use up its tries. */
export const hearsOfUnserved = ({ rules }: Pick<TaskState, 'rules'>): boolean => rules >= unservedIsHeard;

/** The rules since which an order that reached nobody uses up no try. */
const unservedIsHeard = 3;

export const wasHindered = (draft: Draft, failure: Failure | null): boolean =>
  failure !== null &&
  failure.retryable !== false &&
  (failure.code === lackingCode || (failure.code === unservedCode && hearsOfUnserved(draft.task)));

export const waitForMeans = (draft: Draft, slot: number, failure: Failure, stage: 'do' | 'verify'): void => {
  const { tries } = draft.steps.read(slot);
  change(draft, slot, {
    status: 'retrying',
    stage,
    // Checking is part of the try that it checks, so it used up none of its own.
    tries: stage === 'verify' ? tries : tries - 1,
    error: failure,
    waitingFor: shortened(failure.message),
  });
  // Who left need not be given time to get what it lacks.
  const delay = failure.code === unservedCode ? 0 : Math.max(soonestMs, failure.retry_after_ms ?? 0);
  arm(draft, slot, draft.at + delay, 'retry');
};
