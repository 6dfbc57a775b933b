// A step that no live agent can do is blocked, and goes on when one appears. Where the settings say for how long, that has an end.
import type { Failure } from '@capstan/contracts';
import { arm, type Draft, idIn, specIn } from '../draft.ts';
import { failForGood } from '../fail.ts';
import { note } from './note.ts';
import type { Policy } from './policy.ts';

export const agentAvailability: Policy = {
  name: 'agent-availability',
  description: 'A step waits for an agent that can do it, for as long as the settings say.',
  mode: ({ policies }) => policies.agent_availability?.mode ?? 'off',
};

const ruleIn = (draft: Draft) => draft.task.settings.policies.agent_availability;

export const whenBlocked = (draft: Draft, slot: number, reason: string): void => {
  const rule = ruleIn(draft);
  const spec = specIn(draft, slot);
  if (rule === undefined || rule.mode === 'off' || spec.internal) return;
  const metadata = { capability: spec.step.capability, wait_ms: rule.wait_ms };
  note(draft, agentAvailability.name, rule.mode, idIn(draft, slot), null, { reason, metadata });
  if (rule.mode === 'enforce') arm(draft, slot, draft.at + rule.wait_ms, 'blocked');
};

export const stillBlocked = (draft: Draft, slot: number): void => {
  const waited = ruleIn(draft)?.wait_ms ?? 0;
  const { waitingFor } = draft.steps.read(slot);
  const failure: Failure = {
    code: `denied_by_${agentAvailability.name}`,
    message: `${waitingFor ?? 'no agent offers it'}, for ${waited / 1_000} s`,
    retryable: false,
    policy: agentAvailability.name,
    metadata: { capability: specIn(draft, slot).step.capability, wait_ms: waited },
  };
  failForGood(draft, slot, failure, 'not_retryable');
};
