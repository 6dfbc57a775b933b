// A person decided on what was asked. Each ask ends once; a decision on one that has ended changes nothing.
import type { DecidedBody, Event, Failure, Intervention } from '@capstan/contracts';
import { afterAnswer, approve } from '../approved.ts';
import { closeAsk, type Ending, needsOther } from '../ask.ts';
import { advance } from '../dispatch.ts';
import { asksIn, change, disarm, type Draft, end, ignore, specIn } from '../draft.ts';
import { failForGood } from '../fail.ts';
import { iso } from '../hash.ts';
import { refusedBy } from '../policies/refused.ts';
import { skippedError } from '../revive.ts';
import type { OpenAsk } from '../state.ts';
import { planStepId } from './submitted.ts';

type Decided = Extract<Event, { kind: 'decided' }>;

export const decided = (draft: Draft, event: Decided): void => {
  const { id, body } = event;
  const asks = asksIn(draft);
  const open = Object.hasOwn(asks, id) ? asks[id] : undefined;
  if (open === undefined) return ignore(draft, `nothing is asked under ${id}`);
  const { requester = null } = draft.task.request;
  const issue = decisionIssue({ ...open, requester, four_eyes: needsOther(draft.task, open) }, body);
  if (issue !== null) return ignore(draft, issue);
  const status: Ending['status'] =
    body.decision === 'approve' ? 'approved' : body.decision === 'reject' ? 'rejected' : 'answered';
  closeAsk(draft, open, {
    status,
    by: body.by,
    role: body.role,
    reason: body.reason ?? null,
    ...(body.value === undefined ? {} : { value: body.value }),
  });
  disarm(draft, open.slot);
  change(draft, open.slot, { waitingFor: null });
  follow(draft, open, body);
};

/**
 * Why a decision can't be taken, or null. The door asks this before it stores a decision, since a stored one is final: so it must ask of the
 * same things as the engine does, which are those of the task, and not what is configured by now.
 */
export const decisionIssue = (
  open: Pick<OpenAsk, 'kind' | 'roles'> & Pick<Intervention, 'requester'> & { readonly four_eyes: boolean },
  body: DecidedBody,
): string | null => {
  if (open.kind === 'approval' && body.decision === 'answer')
    return 'An approval is approved or rejected, not answered.';
  if (open.kind === 'question' && body.decision === 'approve')
    return 'A question is answered or rejected, not approved.';
  if (open.roles.length > 0 && !open.roles.includes(body.role ?? ''))
    return `Only ${open.roles.join(' or ')} may decide this; the role given is "${body.role ?? ''}".`;
  if (open.four_eyes && body.by === open.requester)
    return open.kind === 'approval'
      ? 'Whoever asked for the task may not approve its steps.'
      : 'Whoever asked for the task may not say how a step goes on that had to be approved.';
  return null;
};

const follow = (draft: Draft, open: OpenAsk, body: DecidedBody): void => {
  const { slot } = open;
  const answer = { value: body.value ?? null, by: body.by, at: iso(draft.at) };
  if (body.decision === 'reject') {
    const { error } = draft.steps.read(slot);
    const message = `${body.by} said no${body.reason === undefined ? '' : `: ${body.reason}`}.`;
    const rejected: Failure = { code: 'rejected', message, retryable: false, ...refusedBy(draft, open, message) };
    return failForGood(draft, slot, open.kind === 'flag' && error !== null ? error : rejected, 'not_retryable');
  }
  if (open.kind === 'flag') {
    // Without its plan a task has nothing to go on with.
    if (body.decision === 'answer' && body.value === 'skip' && specIn(draft, slot).step.id !== planStepId) {
      const after = draft.steps.read(slot).error;
      return end(draft, slot, 'skipped', { error: skippedError(body.by, after) });
    }
    const said = body.decision === 'answer' ? { answer, ...afterAnswer(draft.steps.read(slot)) } : { answer: null };
    change(draft, slot, { tries: 0, ...said });
    return advance(draft, slot);
  }
  if (open.kind === 'approval') approve(draft, open);
  else if (specIn(draft, slot).step.capability === 'input')
    return end(draft, slot, 'succeeded', { output: answer.value, answer });
  else change(draft, slot, { answer, ...afterAnswer(draft.steps.read(slot)) });
  advance(draft, slot);
};
