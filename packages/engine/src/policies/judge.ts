// Asks the policies, does what they say, and writes down every no, so that whoever looks at the task sees which policy said it and why.
import { type Failure, type Json, limits } from '@capstan/contracts';
import { isApproved } from '../approved.ts';
import { ask } from '../ask.ts';
import { endSpent } from '../budget.ts';
import { change, type Draft, idIn, specIn } from '../draft.ts';
import { failForGood } from '../fail.ts';
import { inputHash } from '../hash.ts';
import type { Group } from '../plan/shape.ts';
import type { GroupState } from '../state.ts';
import { inForce } from './index.ts';
import { note } from './note.ts';
import type { Judgement } from './policy.ts';

type Input = Record<string, Json>;
type No = Exclude<Judgement, { allowed: true }>;

/** Whether policies let a step pass, or, without an input, the check of one. Where they don't, the step is left waiting or ended. */
export const isAllowed = (draft: Draft, slot: number, input: Input | null): boolean => {
  if (specIn(draft, slot).internal) return true;
  for (const { policy, mode } of inForce(draft.task.settings)) {
    if (input === null && (policy.ofChecks !== true || draft.task.rules < checksCount)) continue;
    const judgement = policy.judge?.(draft, slot, input ?? {});
    if (judgement === undefined || judgement.allowed) continue;
    if ('ask' in judgement && isApproved(draft, slot, policy.name, input ?? {})) continue;
    if (mode === 'check') note(draft, policy.name, 'check', idIn(draft, slot), null, judgement);
    else {
      obey(draft, slot, input ?? {}, policy.name, judgement);
      return false;
    }
  }
  return true;
};

/** The rules since which a check that could not go at once has to wait for its turn. */
const checksCount = 2;

const obey = (draft: Draft, slot: number, input: Input, policy: string, no: No): void => {
  if ('ask' in no) return askFor(draft, slot, input, policy, no);
  if ('wait' in no)
    return void change(draft, slot, {
      status: 'ready',
      heldBy: policy,
      waitingFor: `its turn: ${no.reason} (policy ${policy})`,
    });
  note(draft, policy, 'enforce', idIn(draft, slot), null, no);
  // Said first: what steps say of their failure is no matter any more.
  endSpent(draft);
  const failure: Failure = {
    code: `denied_by_${policy}`.slice(0, limits.idLengthMax),
    message: no.reason,
    retryable: false,
    policy,
    metadata: no.metadata,
  };
  failForGood(draft, slot, failure, 'not_retryable');
};

const askFor = (draft: Draft, slot: number, input: Input, policy: string, no: Extract<No, { ask: unknown }>): void => {
  const { step } = specIn(draft, slot);
  const { roles, expiresMs, risk } = no.ask;
  const { answer } = draft.steps.read(slot);
  ask(draft, slot, {
    kind: 'approval',
    policy,
    text: no.reason,
    roles,
    expiresMs,
    risk,
    inputHash: inputHash(draft.task.planHash, input),
    details: {
      capability: step.capability,
      input,
      description: step.description ?? step.title ?? '',
      // It goes into the order as well.
      ...(answer === null ? {} : { answer }),
    },
  });
};

/** Why a phase that is over may not be passed although it did what its gate asks; null where nobody objects. */
export const phaseDenial = (draft: Draft, at: number, state: GroupState): string | null => {
  const { name } = draft.task.shape.groups[at] as Group;
  for (const { policy, mode } of inForce(draft.task.settings)) {
    const judgement = policy.judgePhase?.(draft, at, state);
    if (judgement === undefined || judgement.allowed) continue;
    note(draft, policy.name, mode, null, name, judgement);
    if (mode === 'enforce') return `policy ${policy.name}: ${judgement.reason}`;
  }
  return null;
};
