// Steps that come while a task runs, from its planner or from one of its steps: checked like any plan before they count.
import {
  type Field,
  type Json,
  type Plan,
  plan as planSchema,
  type Report,
  type Step,
  step as stepSchema,
} from '@capstan/contracts';
import { type Draft, end, specIn } from '../draft.ts';
import { decideFailure } from '../fail.ts';
import { addedBytesIssue, addSteps } from '../grow.ts';
import { sha256 } from '../hash.ts';
import { checkPlan } from '../plan/check.ts';
import { sizeOf } from '../plan/shape.ts';
import { ownHold } from '../steered.ts';
import { stepsLeft } from '../steps-left.ts';
import { plannedHold } from './submitted.ts';

export const words = (issues: readonly Field[]): string =>
  issues
    .slice(0, 5)
    .map((field) => `${field.path} ${field.issue}`)
    .join('; ');

export const zodWords = (
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string => words(issues.map((issue) => ({ path: issue.path.join('.'), issue: issue.message })));

/** A planner's plan becomes the plan of the task; one that can't be run goes back to the planner as a failure, to be mended. */
export const takePlan = (draft: Draft, slot: number, report: Report): void => {
  const { task } = draft;
  const given = planSchema.safeParse((report.output as { plan?: Json } | undefined)?.plan);
  if (!given.success)
    return decideFailure(draft, slot, { code: 'invalid_plan', message: zodWords(given.error.issues) });
  const checkpoints = task.request.checkpoints;
  const { issues } = checkPlan(given.data, {
    stepsMax: stepsLeft(draft),
    ...(checkpoints === undefined ? {} : { checkpoints }),
  });
  const issue = issues.length > 0 ? words(issues) : addedBytesIssue(draft, given.data.steps);
  if (issue !== null) return decideFailure(draft, slot, { code: 'invalid_plan', message: issue });
  const { steps, ...head } = given.data;
  task.plan = { ...head, steps: [] } as Plan;
  task.planned = true;
  task.planHash = sha256(JSON.stringify(head));
  if (task.request.start === false) task.hold = ownHold(draft) ?? plannedHold(task);
  addSteps(draft, steps, specIn(draft, slot).step.id);
  end(draft, slot, 'succeeded', { output: { steps: steps.length }, error: null });
};

export interface Growth {
  readonly steps: readonly Step[];
  readonly issue: string | null;
}

/**
 * The steps that an agent adds, as far as they may be added. A step that was added before, word for word, is no collision: the work that
 * adds it was done twice.
 */
export const checkedSteps = (draft: Draft, given: readonly unknown[]): Growth => {
  const parsed = stepSchema.array().safeParse(given);
  if (!parsed.success) return { steps: [], issue: zodWords(parsed.error.issues) };
  const { plan, shape } = draft.task;
  const isThere = (step: Step) => {
    const at = shape.byName.get(step.id);
    return at !== undefined && isSame(shape.specs[at]?.step, step);
  };
  const steps = parsed.data.filter((step) => !isThere(step));
  const size = steps.reduce((sum, step) => sum + Math.max(1, sizeOf(step)), 0);
  if (size > stepsLeft(draft))
    return { steps: [], issue: `${size} steps are too many; ${stepsLeft(draft)} more are allowed` };
  const issue = addedBytesIssue(draft, steps);
  if (issue !== null) return { steps: [], issue };
  const present = shape.specs.filter((spec) => !spec.internal).map((spec) => spec.step);
  const { issues } = checkPlan({ ...plan, steps: [...present, ...steps] } as Plan);
  return issues.length > 0 ? { steps: [], issue: words(issues) } : { steps, issue: null };
};

/** Whether two values are the same JSON, whatever the order of their keys. */
const isSame = (one: unknown, other: unknown): boolean => {
  if (one === null || other === null || typeof one !== 'object' || typeof other !== 'object') return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key as never], other[key as never]))
  );
};
