// How deep in a plan a step stands: beyond everything that it waits for, whether step, family or phase.
import type { Draft } from './draft.ts';
import { type Group, type Shape, type Spec, specOf } from './plan/shape.ts';

/** Of these slots; each spec, and each group, is looked at once, and without recursion. */
export const levels = (draft: Draft, slots: readonly number[]): ((slot: number) => number) => {
  const { shape } = draft.task;
  const known = new Map<number, number>();
  for (const slot of slots) {
    const open = [specOf(shape, slot).at];
    for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
      const waitsFor = known.has(at) ? [] : before(shape, at);
      const unknown = waitsFor.filter((other) => !known.has(other));
      open.push(...unknown);
      if (unknown.length > 0) continue;
      if (!known.has(at))
        known.set(
          at,
          waitsFor.reduce((most, other) => Math.max(most, (known.get(other) ?? 0) + 1), 0),
        );
      open.pop();
    }
  }
  return (slot) => known.get(specOf(shape, slot).at) ?? 0;
};

/** Groups are numbered downwards from -1, beside the specs. */
const before = (shape: Shape, at: number): readonly number[] => {
  if (at >= 0) {
    const { afterSpecs, afterGroups } = shape.specs[at] as Spec;
    return [...afterSpecs, ...afterGroups.map((group) => -1 - group)];
  }
  const { kind, specs } = shape.groups[-1 - at] as Group;
  // A phase may have no step of its own, and is not over before the one before it.
  return kind === 'phase' && at < -1 ? [...specs, at + 1] : specs;
};
