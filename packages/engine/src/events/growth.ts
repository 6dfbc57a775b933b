// Steps that come while a task runs, from its planner or from one of its steps: checked like any plan before they count.
import { type Field, type Json, limits, type Plan, plan as planSchema, type Report, step as stepSchema, type Step } from '@capstan/contracts';
import { type Draft, end, specIn } from '../draft.ts';
import { decideFailure } from '../fail.ts';
import { addSteps } from '../grow.ts';
import { sha256 } from '../hash.ts';
import { checkPlan } from '../plan/check.ts';
import { plannedHold } from './submitted.ts';

const words = (issues: readonly Field[]): string => issues.slice(0, 5).map((field) => `${field.path} ${field.issue}`).join('; ');

const zodWords = (issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string =>
  words(issues.map((issue) => ({ path: issue.path.join('.'), issue: issue.message })));

const stepsLeft = (draft: Draft): number => Math.min(draft.task.request.budget?.steps ?? limits.planStepsMax, limits.planStepsMax);

/** A planner's plan becomes the plan of the task; one that can't be run goes back to the planner as a failure, to be mended. */
export const takePlan = (draft: Draft, slot: number, report: Report): void => {
  const { task } = draft;
  const given = planSchema.safeParse((report.output as { plan?: Json } | undefined)?.plan);
  if (!given.success) return decideFailure(draft, slot, { code: 'invalid_plan', message: zodWords(given.error.issues) });
  const checkpoints = task.request.checkpoints;
  const { issues } = checkPlan(given.data, { stepsMax: stepsLeft(draft), ...(checkpoints === undefined ? {} : { checkpoints }) });
  if (issues.length > 0) return decideFailure(draft, slot, { code: 'invalid_plan', message: words(issues) });
  const { steps, ...head } = given.data;
  task.plan = { ...head, steps: [] } as Plan;
  task.planned = true;
  task.planHash = sha256(JSON.stringify(head));
  if (task.request.start === false) task.hold = plannedHold(task);
  addSteps(draft, steps, specIn(draft, slot).step.id);
  end(draft, slot, 'succeeded', { output: { steps: steps.length }, error: null });
};

export const checkedSteps = (draft: Draft, given: readonly unknown[]): { readonly steps: Step[] } | { readonly issue: string } => {
  const parsed = stepSchema.array().safeParse(given);
  if (!parsed.success) return { issue: zodWords(parsed.error.issues) };
  const { plan, shape } = draft.task;
  const present = shape.specs.filter((spec) => !spec.internal).map((spec) => spec.step);
  const { issues } = checkPlan({ ...plan, steps: [...present, ...parsed.data] } as Plan, { stepsMax: stepsLeft(draft) });
  return issues.length > 0 ? { issue: words(issues) } : { steps: parsed.data };
};

export const takeAdded = (draft: Draft, steps: readonly Step[], by: string): void => addSteps(draft, steps, by);
