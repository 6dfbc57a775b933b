// Planning anew after a failure: the planner is told what was done and what failed, and says what is to be done instead. What succeeded stays,
// what runs goes on; the rest gives way to the new steps, and no name that was ever used is used for something else.
import { type Json, type Plan, plan as planSchema, type Report, type Step } from '@capstan/contracts';
import { withdraw } from './ask.ts';
import { change, disarm, type Draft, end, idIn, isStopping, slotsWhere, specIn } from './draft.ts';
import { words, zodWords } from './events/growth.ts';
import { decideFailure } from './fail.ts';
import { shortened } from './failure-mode.ts';
import { addedBytesIssue, addSteps } from './grow.ts';
import { checkPlan } from './plan/check.ts';
import { familyOf, sizeOf, slotsOf, type Spec } from './plan/shape.ts';
import { recount } from './recount.ts';
import { replanId, replansMax } from './replanning.ts';
import { hasEnded, type StepState } from './state.ts';
import { stepsLeft } from './steps-left.ts';
import { tellPeople } from './tell.ts';

/** As many as a planner reads; a record and an order must hold them. */
const listedMax = 200;

export const askPlanner = (draft: Draft, reason: string): void => {
  const { task } = draft;
  draft.replan = null;
  task.replans += 1;
  const step: Step = {
    id: replanId(task.replans),
    title: 'Plan anew',
    capability: 'plan',
    input: { request: task.request as never, feedback: feedbackOn(draft, reason) },
  };
  tellPeople(draft, 'task.replanned', `The planner is asked for another plan, since ${reason}.`);
  addSteps(draft, [step], 'capstan');
};

/** What the planner has to know of what was done so far. */
const feedbackOn = (draft: Draft, reason: string): Json => {
  const stays: string[] = [];
  const gone: Json[] = [];
  for (let slot = 0; slot < draft.steps.length; slot += 1) {
    if (specIn(draft, slot).internal) continue;
    const step = draft.steps.read(slot);
    if (isKept(step)) stays.push(idIn(draft, slot));
    else if (hasEnded(step.status) && !step.removed) gone.push(described(idIn(draft, slot), step));
  }
  return {
    reason,
    round: draft.task.replans,
    rounds_left: replansMax(draft) - draft.task.replans,
    done: stays.slice(0, listedMax),
    failed: gone.slice(0, listedMax),
    taken: takenNames(draft).slice(-listedMax * 5),
  };
};

const described = (id: string, { status, error }: StepState): Json =>
  error === null ? { id, status } : { id, status, code: error.code, message: shortened(error.message) };

/** Names that may not be used for anything else: of what did not succeed, or is gone already. */
const takenNames = (draft: Draft): string[] =>
  draft.task.shape.specs
    .filter((spec) => !spec.internal && !slotsOf(spec).some((slot) => isKept(draft.steps.read(slot))))
    .map((spec) => spec.step.id);

/** It succeeded, it runs, or it was left out on purpose. */
const isKept = (step: StepState): boolean =>
  !step.removed &&
  (step.status === 'succeeded' || step.status === 'running' || (step.status === 'skipped' && !step.doomed));

export const takeNewPlan = (draft: Draft, slot: number, report: Report): void => {
  // A task that stops needs no other plan; should somebody bring it back, the planner is asked again.
  if (isStopping(draft, specIn(draft, slot))) return end(draft, slot, 'cancelled');
  const given = planSchema.safeParse((report.output as { plan?: Json } | undefined)?.plan);
  if (!given.success)
    return decideFailure(draft, slot, { code: 'invalid_plan', message: zodWords(given.error.issues) });
  const named = new Set(given.data.steps.map((step) => step.id));
  const added = given.data.steps.filter((step) => !draft.task.shape.byName.has(step.id));
  const issue = issueWith(draft, given.data, added, named);
  if (issue !== null) return decideFailure(draft, slot, { code: 'invalid_plan', message: issue });
  const gone = slotsWhere(draft, (_, at) => !mayStay(draft, at, named));
  for (const at of gone) remove(draft, at);
  if (added.length > 0) addSteps(draft, added, specIn(draft, slot).step.id);
  else recount(draft);
  end(draft, slot, 'succeeded', { output: { added: added.length, removed: gone.length }, error: null });
};

/** What the new plan names again stays as it is, as long as it has not ended badly. */
const mayStay = (draft: Draft, slot: number, named: ReadonlySet<string>): boolean => {
  const spec = specIn(draft, slot);
  const step = draft.steps.read(slot);
  return spec.internal || step.removed || isKept(step) || (!hasEnded(step.status) && named.has(spec.step.id));
};

const remove = (draft: Draft, slot: number): void => {
  const error = { code: 'replanned', message: 'The new plan has no place for it.' };
  if (hasEnded(draft.steps.read(slot).status)) {
    const { error: before } = draft.steps.read(slot);
    change(draft, slot, { status: 'skipped', doomed: false, removed: true, error: before ?? error });
    return;
  }
  withdraw(draft, slot, error.message);
  disarm(draft, slot);
  end(draft, slot, 'skipped', { removed: true, error });
};

const issueWith = (draft: Draft, plan: Plan, added: readonly Step[], named: ReadonlySet<string>): string | null => {
  const { shape } = draft.task;
  const isThere = (spec: Spec): boolean =>
    slotsOf(spec).some((slot) => mayStay(draft, slot, named) && !draft.steps.read(slot).removed);
  for (const { id } of plan.steps) {
    const at = shape.byName.get(id);
    if (at !== undefined && !isThere(shape.specs[at] as Spec))
      return `"${id}" is the name of a step that is no part of the plan any more; give the new one another name`;
  }
  for (const step of added)
    for (const on of step.depends_on ?? []) {
      const at = shape.byName.get(on) ?? shape.byName.get(familyOf(on) ?? '');
      if (at !== undefined && !isThere(shape.specs[at] as Spec))
        return `"${step.id}" depends on "${on}", which did not succeed and is no part of the plan any more`;
    }
  for (const [name, value] of Object.entries(plan.params ?? {}))
    if (JSON.stringify(draft.task.plan?.params?.[name]) !== JSON.stringify(value))
      return `params.${name} is not what it was; write what changes into the inputs of the steps`;
  const size = added.reduce((sum, step) => sum + Math.max(1, sizeOf(step)), 0);
  if (size > stepsLeft(draft)) return `${size} steps are too many; ${stepsLeft(draft)} more are allowed`;
  const present = shape.specs.filter((spec) => !spec.internal).map((spec) => spec.step);
  const { issues } = checkPlan({ ...draft.task.plan, steps: [...present, ...added] } as Plan);
  return issues.length > 0 ? words(issues) : addedBytesIssue(draft, added);
};
