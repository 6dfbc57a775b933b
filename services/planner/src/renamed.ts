// When a task is planned anew, the names of steps that did not succeed are spent: the same work gets names of its own, wherever they are used.
// What succeeded keeps its name, which says that it stays.
import { limits, type Plan } from '@capstan/contracts';

interface Feedback {
  readonly round: number;
  readonly taken: readonly string[];
}

/** Null for feedback in other words than the engine's. */
const feedbackIn = (value: unknown): Feedback | null => {
  const { round, taken } = (value ?? {}) as Partial<Feedback>;
  return typeof round === 'number' && Array.isArray(taken) ? { round, taken } : null;
};

export const renamed = (plan: Plan, feedback: unknown): Plan => {
  const found = feedbackIn(feedback);
  if (found === null) return plan;
  const taken = new Set(found.taken);
  const ending = `-r${found.round}`;
  const names = new Map<string, string>();
  for (const { id } of plan.steps)
    if (taken.has(id)) names.set(id, `${id.slice(0, limits.idLengthMax - ending.length - 6)}${ending}`);
  if (names.size === 0) return plan;
  return {
    ...plan,
    steps: plan.steps.map((step) => ({
      ...(inTexts(step, names) as typeof step),
      id: names.get(step.id) ?? step.id,
      ...(step.depends_on === undefined ? {} : { depends_on: step.depends_on.map((on) => names.get(on) ?? on) }),
    })),
  };
};

/** `steps.build` and `steps["build"]`, as references and conditions write them. */
const inTexts = (value: unknown, names: ReadonlyMap<string, string>): unknown => {
  if (typeof value === 'string')
    return value.replace(/(\bsteps\s*(?:\.\s*|\[\s*["']))([A-Za-z0-9_-]+)/g, (whole, before: string, name: string) =>
      names.has(name) ? `${before}${names.get(name)}` : whole,
    );
  if (Array.isArray(value)) return value.map((item) => inTexts(item, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inTexts(item, names)]));
};
