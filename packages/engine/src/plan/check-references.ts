// What `${{ … }}` in a plan may speak of: steps that there are, loops of phases that there are. Whether a step gave what is asked of it, only
// its output can tell.
import type { Json, Plan, Step } from '@capstan/contracts';
import { referencesIn } from '../expressions/references-in.ts';
import { hasReference } from '../expressions/reference.ts';
import { taskCapability } from './sub-plan.ts';

type Say = (path: string, issue: string) => void;

const roots = ['steps', 'params', 'task', 'loop', 'each'];
const namesShown = 8;

export const checkReferences = (plan: Plan, isStep: (name: string) => boolean, say: Say): void => {
  const phases = new Set(plan.phases?.map(({ name }) => name));
  plan.steps.forEach((step, at) => {
    for (const [path, value] of placesOf(step)) {
      if (!hasReference(value)) continue;
      for (const found of referencesIn(value)) {
        const issue = found.issue ?? issueOf(found.names, plan, isStep, phases);
        if (issue !== null) say(`plan.steps[${at}].${path}${found.at}`, issue);
      }
    }
  });
};

/** Where references are looked up. The steps of a sub-task speak of that task. */
const placesOf = (step: Step): [string, Json][] => {
  const places: [string, Json][] = [];
  if (step.input !== undefined)
    places.push(['input', step.capability === taskCapability ? ownPart(step.input) : step.input]);
  if (step.undo?.input !== undefined) places.push(['undo.input', step.undo.input]);
  if (step.each !== undefined && 'items' in step.each) places.push(['each.items', step.each.items as Json]);
  return places;
};

const ownPart = (input: Record<string, Json>): Json => {
  const { plan, ...rest } = input;
  const params = (plan as Readonly<Record<string, Json>> | null | undefined)?.['params'];
  return params === undefined ? rest : { ...rest, plan: { params } };
};

const issueOf = (
  [root, name]: readonly string[],
  plan: Plan,
  isStep: (name: string) => boolean,
  phases: ReadonlySet<string>,
): string | null => {
  if (root === undefined || name === undefined || !roots.includes(root))
    return `"${[root, name].filter((part) => part !== undefined).join('.')}" names nothing; write steps.<id>.output.<path>, params.<name>, task.<field>, loop.<phase>, each.index or each.item`;
  if (root === 'steps' && !isStep(name))
    return `there is no step "${name}"; there are ${listed(plan.steps.map(({ id }) => id))}`;
  if (root === 'loop' && !phases.has(name))
    return `there is no phase "${name}"; there ${phases.size === 0 ? 'is none' : `are ${listed([...phases])}`}`;
  return null;
};

const listed = (names: readonly string[]): string =>
  names.length > namesShown
    ? `${names.slice(0, namesShown).join(', ')} and ${names.length - namesShown} more`
    : names.join(', ');
