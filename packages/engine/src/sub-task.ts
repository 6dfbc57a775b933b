// Sub-tasks: a step of capability `task` is done by a whole task of its own. Its id follows from the step and the attempt, so it is begun once
// however often that is said; what is done to the step is passed on to it.
import { type Json, limits } from '@capstan/contracts';
import { type Draft, idIn, slotsWhere, specIn } from './draft.ts';
import { sha256 } from './hash.ts';
import { readPaged } from './paged.ts';
import type { Spec } from './plan/shape.ts';
import { taskCapability } from './plan/sub-plan.ts';
import type { StepState, TaskState } from './state.ts';

export { taskCapability };

/** Its work is a task, rather than an order to an agent; the check of that work is an order like any other. */
export const isSubTask = (spec: Spec, step: StepState): boolean =>
  spec.step.capability === taskCapability && step.stage === 'do';

export const childIdOf = (task: string, step: string, attempt: number): string =>
  `_${sha256(`${task} ${step} ${attempt}`).slice(0, 31)}`;

export type ChildPolicy = 'fail' | 'continue' | 'ask';

/** What the plan wants to become of a step whose task ended badly; null for any other step. */
export const childPolicyOf = (spec: Spec): ChildPolicy | null => {
  if (spec.step.capability !== taskCapability) return null;
  const said = (spec.step.input as Record<string, Json> | undefined)?.['on_child_failure'];
  return said === 'ask' || said === 'continue' ? said : 'fail';
};

/** How deep below the task that a client submitted this one is, and how deep those below it may be. */
export const depthOf = (task: Pick<TaskState, 'parent' | 'request'>): { depth: number; depthMax: number } => {
  const depth = task.parent?.depth ?? 0;
  const own = depth + (task.request.budget?.depth ?? limits.depthMax);
  return { depth, depthMax: Math.min(own, task.parent?.depth_max ?? limits.depthMax) };
};

/** Tells whoever works on the present attempt to stop: an agent, which is given time until then, or a task, which cancels what it does. */
export const tellToStop = (draft: Draft, slot: number, reason: string, forceAt: number): void => {
  const step = draft.steps.read(slot);
  if (isSubTask(specIn(draft, slot), step)) return steer(draft, slot, 'cancel', reason);
  draft.effects.push({ kind: 'cancel', step: idIn(draft, slot), attempt: step.attempt, reason, forceAt });
};

/** A task does not end before those below it have: each level has as long as an agent has. */
export const graceOf = (draft: Draft, slot: number): number => {
  const { cancel_grace_ms: grace } = draft.task.settings;
  if (!isSubTask(specIn(draft, slot), draft.steps.read(slot))) return grace;
  const { depth, depthMax } = depthOf(draft.task);
  return grace * Math.max(2, depthMax - depth + 1);
};

/** What holds a task holds the tasks below it; what lets it go on does so for them. */
export const passHoldOn = (draft: Draft): void => {
  const { before, task } = draft;
  if ((before.hold === null) === (task.hold === null) || task.ending !== null) return;
  const running = slotsWhere(
    draft,
    (step, slot) =>
      step.status === 'running' && isSubTask(specIn(draft, slot), step) && wasRunning(before, slot, step.attempt),
  );
  const command = task.hold === null ? 'resume' : 'pause';
  for (const slot of running) steer(draft, slot, command, task.hold?.text ?? 'resumed');
};

const wasRunning = (before: TaskState, slot: number, attempt: number): boolean =>
  slot < before.steps.length && readPaged(before.steps, slot).attempt === attempt;

/** Named after the event that it follows from, so that saying it again is saying it once. */
const steer = (draft: Draft, slot: number, command: 'cancel' | 'pause' | 'resume', reason: string): void => {
  const { taskId, seq } = draft.task;
  const child = childIdOf(taskId, idIn(draft, slot), draft.steps.read(slot).attempt);
  draft.effects.push({ kind: 'steer', child, id: `p${seq}-${command}`, command, reason });
};
