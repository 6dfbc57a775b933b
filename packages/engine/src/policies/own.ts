// The installation's own policies: a condition each, in the language of `when`, read from files beside its configuration and kept with every
// task that they apply to. One that can't be judged says no: a policy that fails open is none.
import type { Json, OwnPolicy, Settings } from '@capstan/contracts';
import { type Draft, idIn, specIn } from '../draft.ts';
import { conditionIssue, type Verdict } from '../expressions/condition.ts';
import { successRate } from '../gate-rule.ts';
import type { Group } from '../plan/shape.ts';
import { riskOf } from '../risk.ts';
import { eachOf, judgeCondition } from '../scope.ts';
import type { Judgement, Policy } from './policy.ts';

export const ownPolicies = (settings: Settings): Policy[] => settings.policies.own.map(policyOf);

/** What is wrong with what it says, or null. */
export const ownIssue = (own: OwnPolicy): string | null => {
  const issue = conditionIssue(own.deny);
  if (issue !== null) return `policy "${own.name}": deny ${issue}`;
  return own.on === 'phase' && own.effect === 'approve'
    ? `policy "${own.name}": a phase can't be approved; only a policy on "dispatch" may say "effect: approve"`
    : null;
};

const policyOf = (own: OwnPolicy): Policy => {
  const base: Policy = { name: own.name, description: own.description ?? own.deny, mode: () => own.mode };
  return own.on === 'dispatch'
    ? { ...base, judge: (draft, slot, input) => judgeStep(own, draft, slot, input) }
    : {
        ...base,
        judgePhase: (draft, at, state) =>
          judged(own, judgeCondition(draft, own.deny, {}, phaseScope(draft, at, state))),
      };
};

const judgeStep = (own: OwnPolicy, draft: Draft, slot: number, input: Record<string, Json>): Judgement => {
  const { step } = specIn(draft, slot);
  const { risk } = riskOf(draft, slot);
  const { attempt } = draft.steps.read(slot);
  const view = {
    id: idIn(draft, slot),
    title: step.title ?? '',
    capability: step.capability,
    risk,
    phase: step.phase ?? '',
    complexity: step.complexity ?? '',
    needs: step.needs ?? {},
    attempt: attempt + 1,
  };
  const no = judged(
    own,
    judgeCondition(draft, own.deny, eachOf(draft, slot), { step: view, input, usage: draft.task.usage }),
  );
  if (no.allowed || own.effect === 'deny') return no;
  const { expires_ms: expiresMs } = draft.task.settings.approval;
  return {
    allowed: false,
    ask: { roles: own.roles, expiresMs, risk },
    reason: `${no.reason} (policy ${own.name})`,
  };
};

const phaseScope = (draft: Draft, at: number, state: Parameters<typeof successRate>[0]) => {
  const { name } = draft.task.shape.groups[at] as Group;
  return {
    phase: { name, succeeded: state.succeeded, failed: state.failed, rate: successRate(state) },
    usage: draft.task.usage,
  };
};

type No = Extract<Judgement, { deny: true }>;

const judged = (own: OwnPolicy, verdict: Verdict): No | { allowed: true } => {
  if ('issue' in verdict)
    return {
      allowed: false,
      deny: true,
      reason: `the policy could not be judged: ${verdict.issue}`,
      metadata: own.metadata,
    };
  if (!verdict.holds) return { allowed: true };
  return { allowed: false, deny: true, reason: own.reason ?? `denied where ${own.deny}`, metadata: own.metadata };
};
