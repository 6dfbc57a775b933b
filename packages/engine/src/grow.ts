// A plan that grows while it runs: steps that a planner, an agent or Capstan itself adds, and families whose members become known.
import type { Step } from '@capstan/contracts';
import { type Draft, ownCounts } from './draft.ts';
import { sha256 } from './hash.ts';
import { type Addition, shapeOf, specOf } from './plan/shape.ts';
import { recount } from './recount.ts';
import { newStep } from './state.ts';

export const grow = (draft: Draft, addition: Addition): void => {
  const { task } = draft;
  const before = task.shape;
  task.additions = [...task.additions, addition];
  task.shape = shapeOf(task.plan ?? { steps: [] }, task.additions);
  let pending = 0;
  for (let slot = before.slots; slot < task.shape.slots; slot += 1) {
    draft.steps.push(newStep);
    if (specOf(task.shape, slot).errand) task.errands += 1;
    else pending += 1;
  }
  task.open += pending;
  if (pending > 0) ownCounts(draft).pending += pending;
  draft.grown = true;
  recount(draft);
};

/** What came to a plan is kept in the task's own record, which has to fit into one message. */
const addedBytesMax = 512 * 1_024;

export const addedBytesIssue = (draft: Draft, added: unknown): string | null => {
  const bytes = JSON.stringify(draft.task.additions).length + JSON.stringify(added).length;
  return bytes > addedBytesMax
    ? `what is added to the plan has ${bytes} bytes in all; at most ${addedBytesMax} are kept`
    : null;
};

export const addSteps = (draft: Draft, steps: readonly Step[], by: string): void => {
  const { task } = draft;
  // Errands and undoing are beside the plan, so an approval of the plan stays an approval of it.
  if (!steps.every((step) => step.id.startsWith('_')))
    task.planHash = sha256(`${task.planHash ?? ''}\n${JSON.stringify(steps)}`);
  grow(draft, { kind: 'steps', steps, by });
};
