// A person steps in: cancel, pause, resume, start, retry, skip.
import type { CommandBody, Event } from '@capstan/contracts';
import { withdraw } from '../ask.ts';
import { advance } from '../dispatch.ts';
import { change, disarm, type Draft, end, idIn, ignore, slotsWhere, specIn } from '../draft.ts';
import { slotOf } from '../plan/shape.ts';
import { revive } from '../revive.ts';
import { hasEnded, taskEnded } from '../state.ts';

type Commanded = Extract<Event, { kind: 'commanded' }>;

export const commanded = (draft: Draft, event: Commanded): void => {
  const { body } = event;
  const issue = commandIssue(draft.task.status, body);
  if (issue !== null) return ignore(draft, issue);
  switch (body.command) {
    case 'cancel':
      draft.task.hold = null;
      draft.task.ending = { as: 'cancelled', reason: body.reason ?? 'cancelled', by: body.by };
      return;
    case 'pause':
      draft.task.hold = { why: 'paused', by: body.by, text: `somebody to resume the task, which ${body.by} paused${body.reason === undefined ? '' : `: ${body.reason}`}` };
      return;
    case 'resume':
      return resume(draft);
    case 'start':
      return start(draft, body.step_id);
    case 'retry':
      return retry(draft, body.step_id);
    case 'skip':
      return skip(draft, body.step_id, body.by);
    default:
      return body.command satisfies never;
  }
};

/** Why a command makes no sense just now, or null. */
export const commandIssue = (status: Draft['task']['status'], body: CommandBody): string | null => {
  if (taskEnded(status) && body.command !== 'retry' && body.command !== 'skip') return `The task has ended: it is ${status}.`;
  if (body.command === 'skip' && body.step_id === undefined) return 'Which step is to be skipped?';
  return null;
};

const readySlots = (draft: Draft): number[] => slotsWhere(draft, (step, slot) => step.status === 'ready' && step.routed === 0 && !specIn(draft, slot).internal);

const resume = (draft: Draft): void => {
  const { hold } = draft.task;
  if (hold === null) return ignore(draft, 'The task is not paused.');
  draft.task.hold = null;
  for (const slot of readySlots(draft)) {
    if (hold.why === 'checkpoint') change(draft, slot, { started: true });
    advance(draft, slot);
  }
};

const start = (draft: Draft, id: string | undefined): void => {
  const { task } = draft;
  const wasPlanned = task.hold?.why === 'planned';
  if (wasPlanned) task.hold = null;
  const slots = id === undefined ? readySlots(draft) : [slotOf(task.shape, id)].filter((slot) => slot >= 0 && draft.steps.read(slot).status === 'ready');
  if (slots.length === 0 && !wasPlanned) return ignore(draft, id === undefined ? 'No step is ready to be started.' : `"${id}" is not ready to be started.`);
  for (const slot of slots) {
    // Starting a planned task does not yet start each step of one that is run by hand.
    if (id !== undefined || !wasPlanned) change(draft, slot, { started: true });
    advance(draft, slot);
  }
};

const retry = (draft: Draft, id: string | undefined): void => {
  if (id === undefined) {
    const failed = slotsWhere(draft, (step, slot) => step.status === 'failed' && !specIn(draft, slot).internal);
    if (failed.length === 0) return ignore(draft, 'No step failed.');
    return revive(draft, failed);
  }
  const slot = slotOf(draft.task.shape, id);
  if (slot < 0) return ignore(draft, `No step is named "${id}".`);
  const { status } = draft.steps.read(slot);
  if (status === 'running' || status === 'pending') return ignore(draft, `"${id}" is ${status}.`);
  if (hasEnded(status)) return revive(draft, [slot]);
  withdraw(draft, slot, 'retried by hand');
  disarm(draft, slot);
  change(draft, slot, { tries: 0, asked: null });
  advance(draft, slot);
};

const skip = (draft: Draft, id: string | undefined, by: string): void => {
  const slot = slotOf(draft.task.shape, id ?? '');
  if (slot < 0) return ignore(draft, `No step is named "${id}".`);
  const { status, attempt } = draft.steps.read(slot);
  if (status === 'failed') return revive(draft, [slot], by);
  if (hasEnded(status)) return ignore(draft, `"${id}" has ended: it is ${status}.`);
  if (status === 'running') draft.effects.push({ kind: 'cancel', step: idIn(draft, slot), attempt, reason: `skipped by ${by}`, forceAt: draft.at });
  withdraw(draft, slot, `skipped by ${by}`);
  end(draft, slot, 'skipped');
};
