// A plan that grows while it runs: steps that a planner, an agent or Capstan itself adds, and families whose members become known.
import type { Step } from '@capstan/contracts';
import type { Draft } from './draft.ts';
import { sha256 } from './hash.ts';
import { type Addition, shapeOf } from './plan/shape.ts';
import { recount } from './recount.ts';
import { newStep } from './state.ts';

export const grow = (draft: Draft, addition: Addition): void => {
  const { task } = draft;
  const before = task.shape;
  task.additions = [...task.additions, addition];
  task.shape = shapeOf(task.plan ?? { steps: [] }, task.additions);
  for (let slot = before.slots; slot < task.shape.slots; slot += 1) {
    draft.steps.push(newStep);
    if (task.shape.specs[task.shape.specOfSlot[slot] as number]?.errand) task.errands += 1;
    else {
      task.open += 1;
      task.counts = { ...task.counts, pending: (task.counts.pending ?? 0) + 1 };
    }
  }
  recount(draft);
};

export const addSteps = (draft: Draft, steps: readonly Step[], by: string): void => {
  const { task } = draft;
  // Errands tell about a plan without being part of it, so an approval of the plan stays an approval of it.
  if (!steps.every((step) => step.id.startsWith('_'))) task.planHash = sha256(`${task.planHash ?? ''}\n${JSON.stringify(steps)}`);
  grow(draft, { kind: 'steps', steps, by });
};
