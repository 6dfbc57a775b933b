// How risky a step is: what its plan says of it, or what is known of its tool, whichever is more. So a plan can't talk a tool down, except where a
// person was asked before: a step that comes after an approval may say that nobody need be asked once more.
import { type Risk, risk as riskSchema, type Step } from '@capstan/contracts';
import { type Draft, specIn } from './draft.ts';
import { familyOf, type Spec } from './plan/shape.ts';

export interface StepRisk {
  readonly risk: Risk;
  /** It is the tool's, and the plan says less. */
  readonly isOfTool: boolean;
}

const order = riskSchema.options;

export const higher = (a: Risk, b: Risk): Risk => (order.indexOf(a) >= order.indexOf(b) ? a : b);

export const riskOf = (draft: Draft, slot: number): StepRisk => {
  const { step } = specIn(draft, slot);
  const planned = step.risk ?? 'low';
  const risk = higher(planned, toolRisk(draft, step.capability));
  const isOfTool = risk !== planned;
  return isOfTool && step.risk !== undefined && isApprovedBefore(draft, step)
    ? { risk: planned, isOfTool: false }
    : { risk, isOfTool };
};

/** Whether it depends, through whatever is between, on a step that asked a person, who said yes. */
const isApprovedBefore = (draft: Draft, step: Step): boolean => {
  const { specs, byName } = draft.task.shape;
  const seen = new Set<string>();
  const open = [...(step.depends_on ?? [])];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const at = byName.get(name) ?? byName.get(familyOf(name) ?? '');
    if (at === undefined || seen.has(name)) continue;
    seen.add(name);
    const spec = specs[at] as Spec;
    // One that was skipped asked nobody.
    if (spec.step.capability === 'approval' && draft.steps.read(spec.first).status === 'succeeded') return true;
    open.push(...(spec.step.depends_on ?? []));
  }
  return false;
};

/** The rules since which the risk of a tool counts. */
const toolsCount = 2;

/** As the installation says, or else as its agents did: when the task was submitted, or when one of them was found. */
const toolRisk = ({ task }: Draft, capability: string): Risk => {
  if (task.rules < toolsCount) return 'low';
  const { tools } = task.settings.approval;
  if (tools !== undefined && Object.hasOwn(tools, capability)) return tools[capability] as Risk;
  return Object.hasOwn(task.risks, capability) ? (task.risks[capability] as Risk) : 'low';
};
