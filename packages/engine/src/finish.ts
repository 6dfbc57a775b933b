// The end of a task: when nothing is open any more, perhaps after what was done has been undone.
import type { Json, Step } from '@capstan/contracts';
import { type Draft, disarmTask, idIn, slotsWhere, specIn } from './draft.ts';
import { addSteps } from './grow.ts';
import { tellPeople } from './notify.ts';
import { taskEnded } from './state.ts';
import { setStatus } from './status.ts';

/** Ends the task where that is due. True where more work came up instead, so that everything must be settled again. */
export const finish = (draft: Draft): boolean => {
  const { task } = draft;
  if (taskEnded(task.status) || task.open > 0 || (task.plan === null && task.failures === 0 && task.ending === null) || task.hold?.why === 'failure' || (task.shape.unopened > 0 && task.ending === null)) return draft.news.length > 0;
  const as = task.ending?.as ?? (task.failures > 0 ? 'failed' : 'succeeded');
  if (as === 'failed' && task.request.on_failure === 'compensate' && !task.compensated) {
    task.compensated = true;
    const undo = undoSteps(draft);
    if (undo.length > 0) {
      addSteps(draft, undo, 'capstan');
      return true;
    }
  }
  task.finishedAt = draft.at;
  task.result = as === 'succeeded' ? resultOf(draft) : null;
  disarmTask(draft);
  task.hold = null;
  setStatus(draft, as, task.ending?.reason ?? (as === 'failed' ? firstFailure(draft) : null), task.ending?.by ?? null);
  tellPeople(draft, `task.${as}`, task.reason ?? '');
  return draft.news.length > 0;
};

/** The undo steps of everything that succeeded, the last one first, one after the other. */
const undoSteps = (draft: Draft): Step[] => {
  const done = slotsWhere(draft, (step, slot) => step.status === 'succeeded' && specIn(draft, slot).step.undo !== undefined);
  done.sort((a, b) => (draft.steps.read(b).finishedAt ?? 0) - (draft.steps.read(a).finishedAt ?? 0) || b - a);
  return done.map((slot, at): Step => {
    const { undo } = specIn(draft, slot).step;
    const before = at === 0 ? [] : [`_undo-${idIn(draft, done[at - 1] as number)}`];
    // One that can't be undone is put aside for a person; the others are undone all the same.
    return { id: `_undo-${idIn(draft, slot)}`, capability: undo?.capability ?? 'noop', input: undo?.input ?? {}, depends_on: before, on_failure: 'skip' };
  });
};

const firstFailure = (draft: Draft): string => {
  const slot = slotsWhere(draft, (step, slot) => step.status === 'failed' && !specIn(draft, slot).internal)[0];
  const error = slot === undefined ? null : draft.steps.read(slot).error;
  return slot === undefined ? 'steps failed' : `step "${idIn(draft, slot)}" failed with ${error?.code}: ${error?.message}`;
};

const sinksMax = 20;

/** What the last steps gave: the output itself where one step comes last, else by id. */
const resultOf = (draft: Draft): Json => {
  const { shape } = draft.task;
  const last = shape.specs.filter((spec) => !spec.internal && shape.next[spec.at]?.length === 0 && (spec.family < 0 || shape.groups[spec.family]?.next.length === 0));
  const outputs: [string, Json][] = [];
  for (const spec of last) {
    for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) {
      if (outputs.length > sinksMax) return null;
      const step = draft.steps.read(slot);
      if (step.status === 'succeeded') outputs.push([idIn(draft, slot), step.output]);
    }
  }
  return outputs.length === 1 ? (outputs[0]?.[1] ?? null) : outputs.length === 0 || outputs.length > sinksMax ? null : Object.fromEntries(outputs);
};
