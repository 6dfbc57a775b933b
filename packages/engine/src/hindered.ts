// An agent that lacks what the work needs, such as a sandbox, has not failed at it. The step waits, without using up a try, and then a queue is
// looked for anew: where nobody can serve it, it is blocked until somebody can.
import type { Failure } from '@capstan/contracts';
import { arm, change, type Draft } from './draft.ts';
import { shortened } from './failure-mode.ts';

const code = 'sandbox_unavailable';
/** However soon the agent would like to be asked again. */
const soonestMs = 5_000;

export const wasHindered = (failure: Failure | null): boolean => failure?.code === code && failure.retryable !== false;

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
  arm(draft, slot, draft.at + Math.max(soonestMs, failure.retry_after_ms ?? 0), 'retry');
};
