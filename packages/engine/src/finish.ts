// The end of a task: when nothing is open any more, perhaps after what was done has been undone.
import type { Json } from '@capstan/contracts';
import { type Draft, disarmTask, idIn, slotsWhere, specIn } from './draft.ts';
import { failureIn } from './failure-mode.ts';
import { grow } from './grow.ts';
import { informParent } from './inform.ts';
import { tellOfEnd } from './leave.ts';
import { tellPeople } from './tell.ts';
import { levels } from './levels.ts';
import { type Spec, slotsOf } from './plan/shape.ts';
import { bringBack } from './revive.ts';
import { taskEnded } from './state.ts';
import { setStatus } from './status.ts';

/** Ends the task where that is due. True where more work came up instead, so that everything must be settled again. */
export const finish = (draft: Draft): boolean => {
  const { task } = draft;
  if (task.open > 0 || taskEnded(task.status)) return false;
  if (task.revivals.length > 0) {
    bringBack(draft, task.revivals);
    return true;
  }
  // Somebody was asked to look at it first.
  if (task.hold?.why === 'failure' && task.ending === null) return false;
  const failure = task.ending === null ? failureIn(draft) : task.ending.reason;
  const as = task.ending?.as ?? (failure === null ? 'succeeded' : 'failed');
  if (as === 'failed' && task.request.on_failure === 'compensate' && !task.compensated) {
    const slots = undoable(draft);
    task.compensated = true;
    if (slots.length > 0) {
      task.undone += 1;
      task.ending ??= { as, reason: failure ?? '', by: null };
      grow(draft, { kind: 'undo', round: task.undone, slots });
      return true;
    }
  }
  task.finishedAt = draft.at;
  task.result = as === 'succeeded' ? resultOf(draft) : null;
  disarmTask(draft);
  task.hold = null;
  task.above = null;
  setStatus(draft, as, failure, task.ending?.by ?? null);
  tellPeople(draft, `task.${as}`, failure ?? '');
  informParent(draft);
  tellOfEnd(draft);
  return draft.news.length > 0;
};

/** Everything that succeeded and can be undone, the last one first. */
const undoable = (draft: Draft): number[] => {
  const done = slotsWhere(draft, (step, slot) => {
    const spec = specIn(draft, slot);
    return step.status === 'succeeded' && spec.step.undo !== undefined && slot !== spec.head;
  });
  const finishedAt = (slot: number): number => draft.steps.read(slot).finishedAt ?? 0;
  const levelOf = draft.task.rules >= dependenciesCount ? levels(draft, done) : () => 0;
  return done.sort((a, b) => finishedAt(b) - finishedAt(a) || levelOf(b) - levelOf(a) || b - a);
};

/** The rules since which of steps that ended in the same moment the one that depends on the other is undone first. */
const dependenciesCount = 3;

const sinksMax = 20;

/** What the last steps gave: the output itself where one step comes last, else by id. */
const resultOf = (draft: Draft): Json => {
  const outputs: [string, Json][] = [];
  for (const spec of draft.task.shape.specs) {
    if (!comesLast(draft, spec)) continue;
    for (let slot = spec.first; slot < spec.first + spec.count; slot += 1) {
      const step = draft.steps.read(slot);
      if (step.status !== 'succeeded') continue;
      outputs.push([idIn(draft, slot), step.output]);
      if (outputs.length > sinksMax) return null;
    }
  }
  if (outputs.length === 1) return outputs[0]?.[1] ?? null;
  return outputs.length === 0 ? null : Object.fromEntries(outputs);
};

const comesLast = (draft: Draft, spec: Spec): boolean => {
  const { shape } = draft.task;
  const follows = (next: readonly number[] | undefined): boolean => next?.some((at) => !isGone(draft, at)) === true;
  if (spec.internal || follows(shape.next[spec.at])) return false;
  if (spec.family >= 0 && follows(shape.groups[spec.family]?.next)) return false;
  return (
    spec.phase < 0 || shape.groups.slice(spec.phase, shape.phases.length).every((phase) => phase.next.length === 0)
  );
};

/** A new plan has no place for it. */
const isGone = (draft: Draft, at: number): boolean => {
  const slots = slotsOf(draft.task.shape.specs[at] as Spec);
  return slots.length > 0 && slots.every((slot) => draft.steps.read(slot).removed);
};
