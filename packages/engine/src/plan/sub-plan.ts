// The plan that a step of capability `task` brings along, which is checked with the plan that it is in.
import { type Plan, plan as planSchema, type Step } from '@capstan/contracts';

export const taskCapability = 'task';

/** Null where the step brings none; words where what it brings is none. */
export const subPlanOf = (step: Step): Plan | null | { readonly path: string; readonly issue: string } => {
  const given = step.capability === taskCapability ? step.input?.['plan'] : undefined;
  if (given === undefined) return null;
  const parsed = planSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') ?? '';
  return { path: `plan${path}`, issue: issue?.message ?? 'is no plan' };
};
