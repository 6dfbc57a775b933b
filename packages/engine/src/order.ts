// The order of a step's present attempt: the same words whenever it is derived again.
import { type Json, limits, type OrderDraft, type Settings } from '@capstan/contracts';
import { type Draft, idIn, shapeIn, specIn } from './draft.ts';
import { iso } from './hash.ts';
import type { Spec } from './plan/shape.ts';
import type { StepState } from './state.ts';
import { isSubTask } from './sub-task.ts';

/** `input` is what the step's own work gets; a check has an input of its own. */
export const orderFor = (
  draft: Draft,
  slot: number,
  step: StepState,
  input: Record<string, Json> | null,
): OrderDraft => {
  const spec = specIn(draft, slot);
  const { task } = draft;
  const verifying = step.stage === 'verify';
  const timeoutMs = timeoutOf(draft, spec, step);
  return {
    v: 1,
    task_id: task.taskId,
    step_id: idIn(draft, slot),
    attempt: step.attempt,
    capability: capabilityOf(spec, step),
    input: verifying
      ? {
          step_id: idIn(draft, slot),
          output: step.output,
          checks: spec.step.verify ?? [],
          criteria: spec.step.criteria ?? [],
        }
      : (input ?? {}),
    deadline: iso(draft.at + timeoutMs),
    timeout_ms: timeoutMs,
    heartbeat_ms: spec.step.heartbeat_ms ?? task.settings.heartbeat_ms,
    ...(step.error === null || verifying ? {} : { last_failure: step.error }),
    ...(step.answer === null ? {} : { answer: step.answer }),
    ...(step.left === null ? {} : { state: step.left }),
    context: {
      title: task.request.title ?? task.taskId,
      outputs: outputsBefore(draft, spec),
      artifacts: artifactsBefore(draft, spec),
    },
    ...(spec.step.sandbox === undefined ? {} : { sandbox: spec.step.sandbox }),
    tenant: task.request.tenant ?? 'default',
  };
};

export const capabilityOf = (spec: Spec, step: StepState): string =>
  step.stage === 'verify' ? 'verify' : spec.step.capability;

export const timeoutOf = (draft: Draft, spec: Spec, step: StepState): number =>
  (step.stage === 'do' ? spec.step.timeout_ms : undefined) ??
  // A task has as long as it takes: it has deadlines and budgets of its own.
  (isSubTask(spec, step) ? limits.timeoutMsMax : usualTimeout(draft.task.settings));

const usualTimeout = ({ timeout_ms: usual, policies }: Settings): number =>
  policies.task_timeout?.mode === 'enforce' ? Math.min(usual, policies.task_timeout.max_ms) : usual;

/** What a step depends on, and nothing else. A family that gave more than this is named instead; its outputs are had from `task.get`. */
const familyBytesMax = 64 * 1_024;

const outputsBefore = (draft: Draft, spec: Spec): OrderDraft['context']['outputs'] => {
  const shape = shapeIn(draft);
  const outputs: OrderDraft['context']['outputs'] = {};
  for (const at of spec.afterSpecs) {
    const before = shape.specs[at] as Spec;
    outputs[before.step.id] = draft.steps.read(before.first).output;
  }
  for (const at of spec.afterGroups) {
    const group = shape.groups[at];
    if (group?.kind !== 'family') continue;
    const family = shape.specs[group.specs[0] as number] as Spec;
    const list = Array.from({ length: family.count }, (_, member) => draft.steps.read(family.first + member).output);
    const isLarge = JSON.stringify(list).length > familyBytesMax;
    outputs[group.name] = isLarge ? { omitted: `the outputs of ${family.count} steps are had from task.get` } : list;
  }
  return outputs;
};

const artifactsBefore = (draft: Draft, spec: Spec): OrderDraft['context']['artifacts'] => {
  const shape = shapeIn(draft);
  const found: OrderDraft['context']['artifacts'] = [];
  for (const at of spec.afterSpecs) {
    const before = shape.specs[at] as Spec;
    for (const artifact of draft.steps.read(before.first).artifacts) found.push({ ...artifact, step: before.step.id });
  }
  return found;
};
