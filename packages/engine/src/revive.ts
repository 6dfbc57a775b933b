// A person, or a redriven dead letter, brings steps back that had ended, and with them the task where that has ended too.
import { type Failure, timeMs } from '@capstan/contracts';
import { armTask, change, type Draft, idIn, slotsWhere, specIn } from './draft.ts';
import { shortened } from './failure-mode.ts';
import { goBackTo, reset } from './go-back.ts';
import { undoId } from './plan/shape.ts';
import { recount } from './recount.ts';
import { hasEnded, type Revival, skippedCode, taskEnded } from './state.ts';
import { setStatus } from './status.ts';

/** Does slots again with fresh attempts, or counts them as skipped; what depends on them is done again either way. */
export const revive = (draft: Draft, revival: Revival): void => {
  const { task } = draft;
  // First everything comes to rest; going back then is the same whenever it was asked for.
  if (task.ending !== null && !taskEnded(task.status)) task.revivals = [...task.revivals, revival];
  else bringBack(draft, [revival]);
};

/** To tell somebody again, or to undo again what could not be undone, is no reason to begin anything else again. */
export const reviveAside = (draft: Draft, slot: number): void => {
  reset(draft, slot);
  if (!specIn(draft, slot).errand && taskEnded(draft.task.status)) reopen(draft);
  recount(draft);
};

/** Whether an undo step still means anything: the task is still where that undoing left it. */
export const isUndoOfNow = (draft: Draft, slot: number): boolean => {
  const { undoes, step } = specIn(draft, slot);
  return undoes >= 0 && draft.task.compensated && step.id === undoId(draft.task.undone, idIn(draft, undoes));
};

/** Going back from a standstill. */
export const bringBack = (draft: Draft, revivals: readonly Revival[]): void => {
  const { task } = draft;
  const undone = slotsWhere(draft, (step, slot) => step.status === 'succeeded' && isUndoOfNow(draft, slot)).map(
    (slot) => specIn(draft, slot).undoes,
  );
  task.revivals = [];
  task.compensated = false;
  task.ending = null;
  if (taskEnded(task.status)) reopen(draft);
  for (const { slots, skippedBy } of revivals) {
    if (skippedBy !== null) for (const slot of slots) skipEnded(draft, slot, skippedBy);
    goBackTo(draft, slots, new Set(skippedBy === null ? slots : []));
    // Whoever asks for a step has started it.
    if (skippedBy === null) for (const slot of slots) change(draft, slot, { started: true });
  }
  // What was undone is to be done again, and what was stopped or could not run gets another chance.
  goBackTo(draft, undone);
  const stopped = slotsWhere(
    draft,
    (step, slot) => (step.status === 'cancelled' || step.doomed) && !isAside(draft, slot),
  );
  goBackTo(draft, stopped);
  if (task.hold?.why === 'failure') {
    task.hold = task.above;
    draft.lifted = true;
  }
  recount(draft);
};

/** Beside the plan rather than part of it. */
export const isAside = (draft: Draft, slot: number): boolean => {
  const { errand, undoes } = specIn(draft, slot);
  return errand || undoes >= 0;
};

const skipEnded = (draft: Draft, slot: number, by: string): void => {
  if (!hasEnded(draft.steps.read(slot).status)) return;
  const { error } = draft.steps.read(slot);
  change(draft, slot, { status: 'skipped', doomed: false, error: skippedError(by, error) });
};

/** What a step that a person skipped says of itself, with the failure that it was about. */
export const skippedError = (by: string, after: Failure | null = null): Failure => ({
  code: skippedCode,
  message: `${by} skipped it${after === null ? '' : `, after ${after.code}: ${shortened(after.message)}`}.`,
});

const reopen = (draft: Draft): void => {
  const { task } = draft;
  task.finishedAt = null;
  task.result = null;
  setStatus(draft, 'running', null, null);
  const { deadline, budget } = task.request;
  if (deadline !== undefined && timeMs(deadline) > draft.at) armTask(draft, timeMs(deadline), 'deadline');
  if (budget?.wall_ms !== undefined) armTask(draft, draft.at + budget.wall_ms, 'budget');
};
