// Whether a plan can be run at all. Says everything that is wrong at once, each with the path of the field; nothing here recurses but
// into the plans of sub-tasks, so a plan of any depth is checked in time that grows with its size.
import { type Field, limits, type Plan, type Step } from '@capstan/contracts';
import { conditionIssue } from '../expressions/condition.ts';
import { checkReferences } from './check-references.ts';
import { subPlanOf } from './sub-plan.ts';
import { familyOf, type Shape, shapeOf, sizeOf } from './shape.ts';

export interface PlanCheck {
  readonly issues: readonly Field[];
  /** The ids along a cycle, the first one again at the end. */
  readonly cycle: readonly string[] | null;
  readonly shape: Shape | null;
}

const issuesMax = 50;

export const checkPlan = (
  plan: Plan,
  options: { checkpoints?: readonly string[]; stepsMax?: number } = {},
): PlanCheck => {
  const issues: Field[] = [];
  const say = (path: string, issue: string) => {
    if (issues.length < issuesMax) issues.push({ path, issue });
  };

  const stepsMax = Math.min(options.stepsMax ?? limits.planStepsMax, limits.planStepsMax);
  const slots = plan.steps.reduce((sum, step) => sum + Math.max(1, sizeOf(step)), 0);
  if (slots > stepsMax) {
    say('plan.steps', `has ${slots} steps, families counted by their members; at most ${stepsMax} are allowed`);
    return { issues, cycle: null, shape: null };
  }

  const phases = new Set<string>();
  plan.phases?.forEach((phase, at) => {
    if (phases.has(phase.name)) say(`plan.phases[${at}].name`, `"${phase.name}" names two phases`);
    phases.add(phase.name);
  });
  plan.phases?.forEach((phase, at) => {
    if (phase.feedback_to === undefined) return;
    const target = plan.phases?.findIndex((other) => other.name === phase.feedback_to) ?? -1;
    if (target < 0) say(`plan.phases[${at}].feedback_to`, `no phase is named "${phase.feedback_to}"`);
    else if (target > at)
      say(
        `plan.phases[${at}].feedback_to`,
        `"${phase.feedback_to}" comes later; feedback goes to an earlier phase or the same one`,
      );
  });

  const names = checkNames(plan, phases, say);
  plan.steps.forEach((step, at) => checkStep(step, `plan.steps[${at}]`, phases, names, say));
  const open = new Set(plan.steps.filter((step) => sizeOf(step) < 0).map(({ id }) => id));
  checkReferences(plan, (name) => names.has(name) || open.has(familyOf(name) ?? ''), say);
  options.checkpoints?.forEach((name, at) => {
    if (!names.has(name)) say(`checkpoints[${at}]`, `no step is named "${name}"`);
  });
  if (issues.length > 0) return { issues, cycle: null, shape: null };

  const shape = shapeOf(plan, []);
  const cycle = cycleIn(shape);
  if (cycle !== null) {
    const from = plan.steps.findIndex((step) => step.id === cycle[0]);
    say(`plan.steps[${Math.max(0, from)}].depends_on`, `is part of a cycle: ${cycle.join(' → ')}`);
  }
  return { issues, cycle, shape };
};

/** All names that `depends_on` may use: steps, families, their members. Says which are used twice. */
const checkNames = (
  plan: Plan,
  phases: ReadonlySet<string>,
  say: (path: string, issue: string) => void,
): ReadonlySet<string> => {
  const names = new Set<string>();
  const claim = (name: string, path: string) => {
    if (names.has(name)) say(path, `"${name}" names two steps`);
    else if (phases.has(name)) say(path, `"${name}" is the name of a phase too`);
    names.add(name);
  };
  /** Families whose members are not known yet keep all their names. */
  const open = new Set<string>();
  plan.steps.forEach((step, at) => {
    claim(step.id, `plan.steps[${at}].id`);
    if (step.each === undefined) return;
    const size = sizeOf(step);
    if (size < 0) open.add(step.id);
    const last = `${step.id}-${(size < 0 ? limits.planStepsMax : size) - 1}`;
    if (last.length > limits.idLengthMax)
      say(`plan.steps[${at}].id`, `is too long for a family: "${last}" has over ${limits.idLengthMax} characters`);
    for (let member = 0; member < size; member += 1) claim(`${step.id}-${member}`, `plan.steps[${at}].each`);
  });
  if (open.size === 0) return names;
  const taken = (name: string, path: string) => {
    const family = familyOf(name);
    if (family !== null && open.has(family)) say(path, `"${name}" would be a member of the family "${family}"`);
  };
  plan.steps.forEach((step, at) => {
    taken(step.id, `plan.steps[${at}].id`);
  });
  for (const name of phases) taken(name, 'plan.phases');
  return names;
};

const checkStep = (
  step: Step,
  path: string,
  phases: ReadonlySet<string>,
  names: ReadonlySet<string>,
  say: (path: string, issue: string) => void,
) => {
  if (step.phase !== undefined && !phases.has(step.phase)) say(`${path}.phase`, `no phase is named "${step.phase}"`);
  step.depends_on?.forEach((name, at) => {
    if (name === step.id) say(`${path}.depends_on[${at}]`, `"${name}" can't wait for itself`);
    else if (!names.has(name) && !phases.has(name))
      say(`${path}.depends_on[${at}]`, `no step or phase is named "${name}"`);
  });
  const inner = subPlanOf(step);
  if (inner !== null && 'issue' in inner) say(`${path}.input.${inner.path as string}`, inner.issue as string);
  // As deep as a body may be, and no deeper.
  else if (inner !== null)
    for (const field of checkPlan(inner as Plan).issues) say(`${path}.input.${field.path}`, field.issue);
  if (step.when !== undefined) {
    const issue = conditionIssue(step.when);
    if (issue !== null) say(`${path}.when`, issue);
  }
};

/** Kahn's algorithm over specs and groups; what is left over holds a cycle, which is then walked. */
const cycleIn = (shape: Shape): string[] | null => {
  const nodes = shape.specs.length + shape.groups.length;
  const group = (at: number) => shape.specs.length + at;
  const edges: number[][] = Array.from({ length: nodes }, () => []);
  const waits = new Array<number>(nodes).fill(0);
  const link = (from: number, to: number) => {
    (edges[from] as number[]).push(to);
    waits[to] = (waits[to] as number) + 1;
  };
  for (const spec of shape.specs) {
    for (const after of spec.afterSpecs) link(after, spec.at);
    for (const after of spec.afterGroups) link(group(after), spec.at);
    if (spec.family >= 0) link(spec.at, group(spec.family));
    if (spec.phase >= 0) link(spec.at, group(spec.phase));
  }
  for (let at = 1; at < shape.phases.length; at += 1) link(group(at - 1), group(at));
  const free = waits.flatMap((count, node) => (count === 0 ? [node] : []));
  let done = 0;
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    done += 1;
    for (const to of edges[node] as number[]) {
      waits[to] = (waits[to] as number) - 1;
      if (waits[to] === 0) free.push(to);
    }
  }
  if (done === nodes) return null;

  // Walk backwards along what still waits: every such node has a predecessor that waits too, so a node comes twice.
  const before = new Map<number, number>();
  edges.forEach((list, from) => {
    if ((waits[from] as number) > 0) for (const to of list) if ((waits[to] as number) > 0) before.set(to, from);
  });
  let node = [...before.keys()][0] as number;
  const seen = new Map<number, number>();
  const walked: number[] = [];
  while (!seen.has(node)) {
    seen.set(node, walked.length);
    walked.push(node);
    node = before.get(node) as number;
  }
  const loop = walked.slice(seen.get(node)).reverse();
  const specs = loop.filter((at) => at < shape.specs.length);
  // From the step that the plan names first, so that the words are the same wherever the walk began.
  const from = specs.indexOf(specs.reduce((least, at) => Math.min(least, at)));
  const named = [...specs.slice(from), ...specs.slice(0, from)].map(
    (at) => (shape.specs[at] as { step: Step }).step.id,
  );
  return [...named, named[0] as string];
};
