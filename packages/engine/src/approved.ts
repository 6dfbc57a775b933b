// What people said yes to about a step: for each policy that asked, the plan and the input that they saw. Nobody's yes counts for another policy,
// which may want somebody else's.
import { change, type Draft } from './draft.ts';
import { inputHash } from './hash.ts';
import type { OpenAsk, StepState } from './state.ts';

/** The rules since which each policy that asks needs a yes of its own; before, one was enough for all of them. */
export const eachAsks = 3;

/** Hashed only where somebody asks: it costs more than all the rest of a decision. */
export const isApproved = (draft: Draft, slot: number, policy: string, input: unknown): boolean => {
  const { approved, approvals } = draft.steps.read(slot);
  const hash = draft.task.rules < eachAsks ? approved : approvals?.[policy]?.hash;
  return typeof hash === 'string' && hash === inputHash(draft.task.planHash, input);
};

export const approve = (draft: Draft, { slot, policy, inputHash: hash, roles }: OpenAsk): void => {
  if (policy === undefined) return void change(draft, slot, { approved: hash });
  const { approvals } = draft.steps.read(slot);
  change(draft, slot, { approvals: { ...approvals, [policy]: { hash, roles } } });
};

/**
 * Who may say how a step goes on that failed or asks: where it had to be approved, those who might approve it, since what they say goes into its next
 * order.
 */
export const approversOf = (draft: Draft, slot: number): Pick<OpenAsk, 'roles' | 'ofApproved'> => {
  const { approvals } = draft.steps.read(slot);
  if (approvals === null) return { roles: [] };
  return { roles: [...new Set(Object.values(approvals).flatMap(({ roles }) => roles))], ofApproved: true };
};

/** What one of several says who had to approve it, the others have not seen: all are asked again. */
export const afterAnswer = ({ approvals }: StepState): Pick<StepState, 'approvals'> => ({
  approvals: approvals !== null && Object.keys(approvals).length > 1 ? null : approvals,
});
