// How long a step may take in all. Beyond it the attempt that runs is given up for another one, and where none is left a person is asked.
import { change, type Draft, idIn, specIn } from './draft.ts';
import type { Spec } from './plan/shape.ts';
import type { StepState } from './state.ts';
import { tellPeople } from './tell.ts';

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

export const lateText = ({ step }: Spec): string =>
  `The step may take ${(step.sla_ms ?? 0) / 1_000} s in all, and they are over.`;

/** The rules since which it is said also where the time passed between two attempts, and once. */
const saidOnce = 3;

/** People hear that the time of a step is over; the attempt that begins then has what any attempt has, and where it was the last a person is asked. */
export const sayLate = (draft: Draft, slot: number): void => {
  if (draft.task.rules >= saidOnce && draft.steps.read(slot).late) return;
  tellPeople(draft, 'step.late', `"${idIn(draft, slot)}": ${lateText(specIn(draft, slot))}`, slot);
  if (draft.task.rules >= saidOnce) change(draft, slot, { late: true });
};

export const beginsLate = (draft: Draft, slot: number): void => {
  if (draft.task.rules >= saidOnce && isOverSla(draft, slot)) sayLate(draft, slot);
};
