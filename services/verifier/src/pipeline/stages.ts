// The stages of a pipeline, in the order in which they run.
import type { Check } from '../check.ts';

export const stages = ['build', 'test', 'lint', 'security', 'custom'] as const;
export type Stage = (typeof stages)[number];

/** A check of a stage, which is its category. */
export type StageCheck = Partial<Check> & Pick<Check, 'command'>;
export type Stages = { readonly [stage in Stage]?: readonly StageCheck[] | undefined };
