// Beginning the task that does a step's work: what the step was given becomes a submission, checked like any other.
import { type Failure, type Json, type Plan, type Submission, taskInput, type TaskInput } from '@capstan/contracts';
import { isShared, tokensLeft } from './budget.ts';
import { change, type Draft, idIn, specIn } from './draft.ts';
import { checkPlan } from './plan/check.ts';
import { sizeOf } from './plan/shape.ts';
import { shareOf } from './share.ts';
import type { Granted } from './state.ts';
import { stepsLeft } from './steps-left.ts';
import { childIdOf, depthOf } from './sub-task.ts';

/** Says that the task of the present attempt is to begin; a failure says why it can not. */
export const spawn = (draft: Draft, slot: number, attempt: number, input: Record<string, Json>): Failure | null => {
  const asked = requestIn(draft, slot, input);
  if ('code' in asked) return asked;
  const { depth, depthMax } = depthOf(draft.task);
  const step = idIn(draft, slot);
  const child = childIdOf(draft.task.taskId, step, attempt);
  const { request, plan, planRef } = asked;
  const granted = isShared(draft) ? grantedTo(draft, request) : null;
  if (granted !== null) change(draft, slot, { granted });
  draft.effects.push({
    kind: 'spawn',
    child,
    step,
    attempt,
    depth: depth + 1,
    depthMax,
    request: { ...request, task_id: child },
    plan,
    planRef,
  });
  return null;
};

interface Asked {
  readonly request: Submission;
  readonly plan: Plan | null;
  readonly planRef: Submission['plan_ref'] | null;
}

const requestIn = (draft: Draft, slot: number, input: Record<string, Json>): Asked | Failure => {
  const parsed = taskInput.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return invalid(`input.${issue?.path.map(String).join('.')}: ${issue?.message}`);
  }
  const { on_child_failure: _, plan, plan_ref: planRef, ...rest } = parsed.data;
  const goals = [plan, planRef, rest.template].filter((goal) => goal !== undefined).length;
  if (goals > 1) return invalid('input: a task has one of plan, plan_ref and template');
  if (goals === 0 && rest.title === undefined)
    return invalid(
      'input: there is nothing to do: a task needs a plan, a plan_ref, a template, or a title to plan from',
    );
  const request = inherited(draft, slot, rest, plan);
  if (request.budget?.steps === 0)
    return { code: 'denied_by_budget', message: 'no step is left of the budget of this task', retryable: false };
  const issue = plan === undefined ? undefined : issuesOf(plan, request)[0];
  if (issue !== undefined) return invalid(`input.${issue.path}: ${issue.issue}`);
  return { request, plan: plan ?? null, planRef: planRef ?? null };
};

const issuesOf = (plan: Plan, { checkpoints, budget }: Pick<TaskInput, 'checkpoints' | 'budget'>) =>
  checkPlan(plan, {
    ...(checkpoints === undefined ? {} : { checkpoints }),
    ...(budget?.steps === undefined ? {} : { stepsMax: budget.steps }),
  }).issues;

const invalid = (message: string): Failure => ({ code: 'invalid_input', message, retryable: false });

/** Whose task it is, and what is left of the parent's tokens. */
const inherited = (draft: Draft, slot: number, own: Submission, plan: Plan | undefined): Submission => {
  const { request } = draft.task;
  const budget = budgetFor(draft, own, plan);
  const { step } = specIn(draft, slot);
  return {
    ...own,
    title: own.title ?? `${request.title ?? draft.task.taskId}: ${step.title ?? idIn(draft, slot)}`.slice(0, 512),
    tenant: request.tenant ?? 'default',
    ...(request.requester === undefined ? {} : { requester: request.requester }),
    ...(own.priority === undefined && request.priority === undefined
      ? {}
      : { priority: own.priority ?? request.priority }),
    ...(budget === undefined ? {} : { budget }),
  };
};

/** No more than is left, and no more than its own input says. */
const budgetFor = (draft: Draft, { budget: own }: Submission, plan: Plan | undefined): Submission['budget'] => {
  const { request, usage } = draft.task;
  const most = request.budget?.tokens;
  const rest = isShared(draft) ? tokensLeft(draft) : null;
  const part = rest === null ? null : shareOf(draft, rest);
  const left = most === undefined ? undefined : (part ?? Math.max(1, most - usage.tokensIn - usage.tokensOut));
  const tokens = left === undefined ? own?.tokens : Math.min(left, own?.tokens ?? left);
  const steps = isShared(draft) && request.budget?.steps !== undefined ? stepsFor(draft, plan, own?.steps) : own?.steps;
  if (tokens === undefined && steps === undefined) return own;
  return { ...own, ...(tokens === undefined ? {} : { tokens }), ...(steps === undefined ? {} : { steps }) };
};

/** At least those of its plan, where they are known and there are as many. */
const stepsFor = (draft: Draft, plan: Plan | undefined, own: number | undefined): number => {
  const left = stepsLeft(draft);
  if (left === 0) return 0;
  const size = (plan?.steps ?? []).reduce((sum, step) => sum + Math.max(1, sizeOf(step)), 0);
  return Math.min(left, Math.max(size, shareOf(draft, left)), own ?? left);
};

const grantedTo = (draft: Draft, { budget }: Submission): Granted | null => {
  const counted = draft.task.request.budget;
  if (counted?.tokens === undefined && counted?.steps === undefined) return null;
  return {
    tokens: counted.tokens === undefined ? null : (budget?.tokens ?? null),
    steps: counted.steps === undefined ? null : (budget?.steps ?? null),
  };
};
