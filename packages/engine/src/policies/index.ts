// All policies, in the order in which they are asked; the first that does not allow decides. One file and one line here add one.
import { approval } from './approval.ts';
import { budget } from './budget.ts';
import type { Policy } from './policy.ts';

export const policies: readonly Policy[] = [budget, approval];
