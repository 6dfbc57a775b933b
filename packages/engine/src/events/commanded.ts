// A person steps in: cancel, pause, resume, start, retry, skip.
import type { CommandBody, Event } from '@capstan/contracts';
import { withdraw } from '../ask.ts';
import { advance } from '../dispatch.ts';
import { change, closeAttempt, disarm, type Draft, end, ignore, slotsWhere, specIn } from '../draft.ts';
import { slotOf, slotsOf } from '../plan/shape.ts';
import { isReplanStep } from '../replanning.ts';
import { isAside, revive, skippedError } from '../revive.ts';
import { hasEnded, taskEnded } from '../state.ts';
import { holdFromAbove, isSteering, letGoFromAbove, ownHold } from '../steered.ts';
import { tellToStop } from '../sub-task.ts';
import { again } from './redriven.ts';
import { planStepId } from './submitted.ts';

type Commanded = Extract<Event, { kind: 'commanded' }>;

export const commanded = (draft: Draft, event: Commanded): void => {
  const { body } = event;
  const issue = commandIssue(draft.task.status, body);
  if (issue !== null) return ignore(draft, issue);
  switch (body.command) {
    case 'cancel':
      return cancel(draft, body);
    case 'pause':
      return isSteering(draft, event) ? holdFromAbove(draft, event) : pause(draft, body);
    case 'resume':
      return isSteering(draft, event) ? letGoFromAbove(draft, event) : resume(draft);
    case 'start':
      return start(draft, body.step_id);
    case 'retry':
      return retry(draft, body.step_id);
    case 'skip':
      return skip(draft, body.step_id ?? '', body.by);
    default:
      return body.command satisfies never;
  }
};

/** Why a command makes no sense just now, or null. */
export const commandIssue = (status: Draft['task']['status'], body: CommandBody): string | null => {
  if (body.command === 'skip' && body.step_id === undefined) return 'Which step is to be skipped?';
  if (taskEnded(status) && body.command !== 'retry' && body.command !== 'skip')
    return `The task has ended: it is ${status}.`;
  return null;
};

const cancel = (draft: Draft, { by, reason }: CommandBody): void => {
  const { task } = draft;
  if (task.ending?.as === 'cancelled' && task.revivals.length === 0)
    return ignore(draft, 'The task is being cancelled already.');
  task.hold = null;
  task.above = null;
  task.revivals = [];
  task.ending = { as: 'cancelled', reason: reason ?? 'cancelled', by };
};

const pause = (draft: Draft, { by, reason }: CommandBody): void => {
  const { task } = draft;
  if (task.ending !== null) return ignore(draft, 'The task is stopping; it starts nothing more.');
  const held = ownHold(draft);
  if (held !== null) return ignore(draft, `Nothing is started as it is: the task waits for ${held.text}.`);
  const why = reason === undefined ? '' : `: ${reason}`;
  task.hold = { why: 'paused', by, text: `somebody to resume the task, which ${by} paused${why}`, spec: null };
};

const resume = (draft: Draft): void => {
  if (draft.task.hold === null) return ignore(draft, 'The task is not paused.');
  lift(draft);
};

/** Nothing holds the task as a whole any more, unless the one above it does. What waited before a checkpoint has passed it. */
const lift = (draft: Draft): void => {
  const { hold } = draft.task;
  draft.task.hold = hold?.why === 'parent' ? null : draft.task.above;
  if (draft.task.hold === null) draft.task.above = null;
  draft.lifted = true;
  if (hold === null || hold.spec === null) return;
  for (const slot of readySlots(draft))
    if (specIn(draft, slot).at === hold.spec) change(draft, slot, { started: true });
};

const readySlots = (draft: Draft): number[] =>
  slotsWhere(draft, (step, slot) => step.status === 'ready' && !specIn(draft, slot).internal);

const start = (draft: Draft, id: string | undefined): void => {
  const { hold } = draft.task;
  const slot = id === undefined ? -1 : slotOf(draft.task.shape, id);
  if (id !== undefined && (slot < 0 || draft.steps.read(slot).status !== 'ready')) {
    return ignore(draft, `"${id}" is not ready to be started.`);
  }
  const slots = id === undefined ? readySlots(draft).filter((ready) => !draft.steps.read(ready).started) : [slot];
  if (slots.length === 0 && hold?.why !== 'planned') return ignore(draft, 'No step is ready to be started.');
  if (hold?.why === 'planned' || (hold?.why === 'checkpoint' && (slot < 0 || specIn(draft, slot).at === hold.spec)))
    lift(draft);
  // Starting a planned task does not yet start each step of one that is run by hand.
  if (id === undefined && hold?.why === 'planned') return;
  for (const one of slots) {
    change(draft, one, { started: true });
    advance(draft, one);
  }
};

const retry = (draft: Draft, id: string | undefined): void => {
  if (id === undefined) return retryAll(draft);
  const slot = slotOf(draft.task.shape, id);
  if (slot < 0) return ignore(draft, `No step is named "${id}".`);
  const { status } = draft.steps.read(slot);
  if (hasEnded(status)) {
    const isList = id === planStepId || isReplanStep(id) || slot === specIn(draft, slot).head;
    if (isList && status === 'succeeded')
      return ignore(draft, `"${id}" has succeeded; what it gave is part of the plan.`);
    return again(draft, slot, id);
  }
  if (status !== 'retrying' && status !== 'awaiting_input') return ignore(draft, `"${id}" is ${status}.`);
  tryAgain(draft, slot);
};

/** Before it has ended: what it waits for is waited for no more. */
const tryAgain = (draft: Draft, slot: number): void => {
  withdraw(draft, slot, 'retried by hand');
  disarm(draft, slot);
  change(draft, slot, { tries: 0, unjudged: null });
  advance(draft, slot);
};

const retryAll = (draft: Draft): void => {
  const slots = slotsWhere(draft, (step, slot) => step.status === 'failed' && !isAside(draft, slot));
  const stopped = slotsWhere(draft, (step, slot) => step.status === 'cancelled' && !isAside(draft, slot));
  const flagged = slotsWhere(draft, (step, slot) => step.asked?.kind === 'flag' && !isAside(draft, slot));
  if (slots.length + stopped.length + flagged.length === 0) return ignore(draft, 'No step failed.');
  for (const slot of flagged) tryAgain(draft, slot);
  if (slots.length + stopped.length === 0) return;
  revive(draft, { slots, skippedBy: null });
};

const skip = (draft: Draft, id: string, by: string): void => {
  const slot = slotOf(draft.task.shape, id);
  if (slot < 0) return ignore(draft, `No step is named "${id}".`);
  if (id === planStepId) return ignore(draft, 'Without its plan there is nothing to do: cancel the task instead.');
  const { status } = draft.steps.read(slot);
  const isCancelled = draft.task.status === 'cancelled' || draft.task.ending?.as === 'cancelled';
  if (status === 'failed' && !isCancelled) return revive(draft, { slots: [slot], skippedBy: by });
  if (hasEnded(status)) return ignore(draft, `"${id}" has ended: it is ${status}.`);
  if (status === 'running') {
    const reason = `skipped by ${by}`;
    tellToStop(draft, slot, reason, draft.at);
    closeAttempt(draft, slot, 'cancelled');
  }
  withdraw(draft, slot, `skipped by ${by}`);
  end(draft, slot, 'skipped', { error: skippedError(by) });
  if (isPastCheckpoint(draft, slot)) lift(draft);
};

/** The task paused before a step of which nothing is left to be done. */
const isPastCheckpoint = (draft: Draft, slot: number): boolean => {
  const spec = specIn(draft, slot);
  return (
    draft.task.rules >= checkpointsEnd &&
    draft.task.hold?.spec === spec.at &&
    slotsOf(spec).every((one) => hasEnded(draft.steps.read(one).status))
  );
};

/** The rules since which a checkpoint ends with its step. */
const checkpointsEnd = 2;
