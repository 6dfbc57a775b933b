// What expressions of a step may read.
import type { Json } from '@capstan/contracts';
import { type Draft, shapeIn, specIn } from './draft.ts';
import { evaluateCondition, stepsNamed, type Verdict } from './expressions/condition.ts';
import { hasReference, type Lookup, resolve, UnresolvedReference } from './expressions/reference.ts';
import { loopsOf } from './gate-rule.ts';
import { slotOf, type Spec, specOf } from './plan/shape.ts';
import { hasEnded } from './state.ts';
import { taskCapability } from './sub-task.ts';

const stepView = (draft: Draft, name: string): Record<string, Json> | undefined => {
  const shape = shapeIn(draft);
  const at = shape.byName.get(name);
  const spec = at === undefined ? undefined : shape.specs[at];
  if (spec !== undefined && spec.family >= 0) return familyView(draft, spec);
  const slot = slotOf(shape, name);
  if (slot < 0) return undefined;
  const { status, output, error, attempt, findings } = draft.steps.read(slot);
  const [major, medium, minor] = findings;
  return { status, output, error: error as Json, attempt, findings: { major, medium, minor } };
};

const familyView = (draft: Draft, spec: Spec): Record<string, Json> | undefined => {
  if (spec.first < 0) return spec.head < 0 ? undefined : { status: draft.steps.read(spec.head).status };
  const { left, succeeded, failed } = draft.groups.read(spec.family);
  const members = Array.from({ length: spec.count }, (_, member) => draft.steps.read(spec.first + member));
  return {
    status: left > 0 ? 'running' : failed > 0 ? 'failed' : 'succeeded',
    count: spec.count,
    succeeded,
    failed,
    output: members.map((step) => step.output),
  };
};

const taskView = (draft: Draft): Record<string, Json> => {
  const { request, taskId } = draft.task;
  return {
    id: taskId,
    task_id: taskId,
    title: request.title ?? '',
    description: request.description ?? '',
    tenant: request.tenant ?? 'default',
    requester: request.requester ?? null,
    priority: request.priority ?? 'normal',
    metadata: (request.metadata ?? {}) as Json,
  };
};

const eachView = (spec: Spec, slot: number): Record<string, Json> => {
  const index = slot - spec.first;
  if (spec.family < 0 || spec.first < 0 || index < 0 || index >= spec.count) return {};
  return { index, item: spec.items?.[index] ?? null };
};

const lookupFor = (draft: Draft, spec: Spec, slot: number): Lookup => {
  const roots: Record<string, (name: string) => unknown> = {
    steps: (name) => stepView(draft, name),
    params: (name) => own(draft.task.plan?.params ?? {}, name),
    task: (name) => own(taskView(draft), name),
    loop: (name) => (shapeIn(draft).groupByName.has(name) ? loopsOf(draft, name) : undefined),
    each: (name) => own(eachView(spec, slot), name),
  };
  return (root, name, path) => {
    const find = Object.hasOwn(roots, root) ? roots[root] : undefined;
    if (find === undefined) {
      throw new UnresolvedReference(`"${path}" does not exist: the roots are steps, params, task, loop and each`);
    }
    const value = find(name);
    if (value === undefined)
      throw new UnresolvedReference(`"${path}" does not exist: there is no "${name}" in ${root}`);
    if (root === 'steps' && path.includes('.output') && hasGivenNothing(draft, name))
      throw new UnresolvedReference(
        `"${path}" does not exist yet: "${name}" has not ended; let "${spec.step.id}" depend on it`,
      );
    return value;
  };
};

/** It is no family, and nothing has come of it so far. */
const hasGivenNothing = (draft: Draft, name: string): boolean => {
  const slot = slotOf(shapeIn(draft), name);
  if (slot < 0 || specIn(draft, slot).family >= 0) return false;
  const { status, output } = draft.steps.read(slot);
  return output === null && !hasEnded(status);
};

const own = (from: object, name: string): unknown =>
  Object.hasOwn(from, name) ? (from as Record<string, unknown>)[name] : undefined;

/** The input of a step with every reference replaced. Throws `UnresolvedReference`. */
export const inputOf = (draft: Draft, slot: number): Record<string, Json> => {
  const spec = specIn(draft, slot);
  const input = rawInput(spec);
  // What Capstan wrote itself may quote people, whose words are not to be replaced; how to undo a step is in that step's own words.
  if ((spec.internal && spec.undoes < 0) || !hasReference(input)) return input;
  const whose = spec.undoes < 0 ? slot : spec.undoes;
  const lookup = lookupFor(draft, specOf(shapeIn(draft), whose), whose);
  if (spec.step.capability === taskCapability) return resolveTask(input, lookup);
  return resolve(input, lookup) as Record<string, Json>;
};

/** The steps of a sub-task speak of that task, and are left to it; its parameters are how something comes into it. */
const resolveTask = (input: Record<string, Json>, lookup: Lookup): Record<string, Json> => {
  const { plan, ...rest } = input;
  const resolved = resolve(rest, lookup) as Record<string, Json>;
  if (plan === null || typeof plan !== 'object' || Array.isArray(plan))
    return plan === undefined ? resolved : { ...resolved, plan };
  const own = plan as Readonly<Record<string, Json>>;
  return { ...resolved, plan: own['params'] === undefined ? own : { ...own, params: resolve(own['params'], lookup) } };
};

const noInput: Record<string, Json> = Object.freeze({});
const rawInput = (spec: Spec): Record<string, Json> => (spec.step.input ?? noInput) as Record<string, Json>;

/** The same for showing it: as it was written, where it can't be resolved now. */
export const inputOrRaw = (draft: Draft, slot: number): Record<string, Json> => {
  try {
    return inputOf(draft, slot);
  } catch (error) {
    if (!(error instanceof UnresolvedReference)) throw error;
    return rawInput(specIn(draft, slot));
  }
};

/** The items of a family whose list is an expression. Throws `UnresolvedReference`. */
export const itemsOf = (draft: Draft, spec: Spec): readonly Json[] => {
  const items = (spec.step.each as { items: string }).items;
  const value = resolve(items, lookupFor(draft, spec, -1));
  if (!Array.isArray(value)) throw new UnresolvedReference(`"${items}" is no list`);
  return value as readonly Json[];
};

export const conditionHolds = (draft: Draft, slot: number, spec: Spec): Verdict =>
  judgeCondition(draft, spec.step.when as string, eachView(spec, slot));

/** Whether a condition holds, with whatever else its place lets it read. */
export const judgeCondition = (
  draft: Draft,
  text: string,
  each: Readonly<Record<string, Json>>,
  more: Readonly<Record<string, unknown>> = {},
): Verdict => {
  const steps = stepsNamed(text).flatMap((name) => {
    const view = stepView(draft, name);
    return view === undefined ? [] : [[name, view] as const];
  });
  return evaluateCondition(text, {
    steps: Object.fromEntries(steps),
    params: draft.task.plan?.params ?? {},
    task: taskView(draft),
    loop: Object.fromEntries(shapeIn(draft).phases.map(({ name }) => [name, loopsOf(draft, name)])),
    each,
    ...more,
  });
};

export const eachOf = (draft: Draft, slot: number): Record<string, Json> => eachView(specIn(draft, slot), slot);
