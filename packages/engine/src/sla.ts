// How long a step may take in all. Beyond it the attempt that runs is given up for another one, and where none is left a person is asked.
import type { Draft } from './draft.ts';
import { specIn } from './draft.ts';
import type { Spec } from './plan/shape.ts';
import type { StepState } from './state.ts';

/** When the time of a step will be over; null where it has none, or where it is over already. */
export const slaDue = (draft: Draft, spec: Spec, step: StepState): number | null => {
  const { sla_ms: most } = spec.step;
  if (most === undefined || step.startedAt === null) return null;
  const due = step.startedAt + most;
  return due > draft.at ? due : null;
};

export const isOverSla = (draft: Draft, slot: number): boolean => {
  const { sla_ms: most } = specIn(draft, slot).step;
  const { startedAt } = draft.steps.read(slot);
  return most !== undefined && startedAt !== null && draft.at >= startedAt + most;
};

/** A queue is chosen for it by how soon it is its turn there. */
export const isHurried = ({ step }: Spec): boolean => step.sla_ms !== undefined;
