// A person's no, or nobody's yes in time, where a policy wanted approval: that is a no of the policy, and is written down like any other.
import { type Draft, idIn } from '../draft.ts';
import type { OpenAsk } from '../state.ts';
import { note } from './note.ts';

/** What the step's error says of it; nothing where no policy had asked. */
export const refusedBy = (draft: Draft, { policy, slot }: OpenAsk, reason: string) => {
  if (policy === undefined) return {};
  const metadata = draft.task.settings.policies.own.find(({ name }) => name === policy)?.metadata ?? {};
  note(draft, policy, 'enforce', idIn(draft, slot), null, { reason, metadata });
  return { policy, metadata };
};
