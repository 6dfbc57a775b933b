// The parts of a budget that tasks below this one get, when several of them begin.
import { granted, isShared, tokensLeft } from './budget.ts';
import { type Draft, slotsWhere, specIn } from './draft.ts';
import { stepsLeft } from './steps-left.ts';
import { isSubTask } from './sub-task.ts';

/** Whether others have to end before anything is left for one more. */
export const mustWaitForShare = (draft: Draft): boolean => {
  if (!isShared(draft)) return false;
  const { steps, tokens } = draft.task.request.budget ?? {};
  return (
    (tokens !== undefined && tokensLeft(draft) === 0 && granted(draft, 'tokens') > 0) ||
    (steps !== undefined && stepsLeft(draft) === 0 && granted(draft, 'steps') > 0)
  );
};

/** An even part of what is left, at least one, for each sub-task that could begin now; what one leaves is there for the next. */
export const shareOf = (draft: Draft, left: number): number => Math.max(1, Math.floor(left / beginners(draft)));

const beginners = (draft: Draft): number => {
  const slots = slotsWhere(draft, (step, slot) => {
    const spec = specIn(draft, slot);
    return beginning.has(step.status) && isSubTask(spec, step) && draft.waits.read(spec.at) === 0;
  });
  return Math.max(1, slots.length);
};

const beginning: ReadonlySet<string> = new Set(['pending', 'ready', 'awaiting_approval', 'retrying']);
