// What expressions of a step may read.
import type { Json } from '@capstan/contracts';
import { type Draft, shapeIn, specIn } from './draft.ts';
import { evaluateCondition, stepsNamed, type Verdict } from './expressions/condition.ts';
import { hasReference, type Lookup, resolve, UnresolvedReference } from './expressions/reference.ts';
import { slotOf, type Spec } from './plan/shape.ts';

const stepView = (draft: Draft, name: string): Json | undefined => {
  const shape = shapeIn(draft);
  const at = shape.byName.get(name);
  const family = at === undefined ? undefined : shape.specs[at];
  if (family !== undefined && family.family >= 0) {
    if (family.first < 0) return undefined;
    return { output: Array.from({ length: family.count }, (_, member) => draft.steps.read(family.first + member).output) };
  }
  const slot = slotOf(shape, name);
  if (slot < 0) return undefined;
  const { status, output, error, attempt, findings } = draft.steps.read(slot);
  return { status, output, error: error as Json, attempt, findings: { major: findings[0], medium: findings[1], minor: findings[2] } };
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
  if (spec.family < 0) return {};
  const index = slot - spec.first;
  return { index, item: spec.items?.[index] ?? null };
};

const lookupFor = (draft: Draft, spec: Spec, slot: number): Lookup => {
  const roots: Record<string, (name: string) => unknown> = {
    steps: (name) => stepView(draft, name),
    params: (name) => own(draft.task.plan?.params ?? {}, name),
    task: (name) => own(taskView(draft), name),
    loop: (name) => draft.task.loops[name] ?? 0,
    each: (name) => own(eachView(spec, slot), name),
  };
  return (root, name, path) => {
    const find = Object.hasOwn(roots, root) ? roots[root] : undefined;
    if (find === undefined) throw new UnresolvedReference(`"${path}" does not exist: the roots are steps, params, task, loop and each`);
    const value = find(name);
    if (value === undefined) throw new UnresolvedReference(`"${path}" does not exist: there is no "${name}" in ${root}`);
    return value;
  };
};

const own = (from: object, name: string): unknown => (Object.hasOwn(from, name) ? (from as Record<string, unknown>)[name] : undefined);

/** The input of a step with every reference replaced. Throws `UnresolvedReference`. */
export const inputOf = (draft: Draft, slot: number): Record<string, Json> => {
  const spec = specIn(draft, slot);
  const input = (spec.step.input ?? {}) as Record<string, Json>;
  // What Capstan wrote itself may quote people, whose words are not to be replaced.
  return !spec.internal && hasReference(input) ? (resolve(input, lookupFor(draft, spec, slot)) as Record<string, Json>) : input;
};

/** The items of a family whose list is an expression. Throws `UnresolvedReference`. */
export const itemsOf = (draft: Draft, spec: Spec): readonly Json[] => {
  const items = (spec.step.each as { items: string }).items;
  const value = resolve(items, lookupFor(draft, spec, -1));
  if (!Array.isArray(value)) throw new UnresolvedReference(`"${items}" is no list`);
  return value as readonly Json[];
};

export const conditionHolds = (draft: Draft, slot: number, spec: Spec): Verdict => {
  const text = spec.step.when as string;
  const steps = Object.fromEntries(stepsNamed(text).flatMap((name) => {
    const view = stepView(draft, name);
    return view === undefined ? [] : [[name, view]];
  }));
  return evaluateCondition(text, {
    steps,
    params: draft.task.plan?.params ?? {},
    task: taskView(draft),
    loop: draft.task.loops,
    each: slot < 0 ? {} : eachView(spec, slot),
  });
};
