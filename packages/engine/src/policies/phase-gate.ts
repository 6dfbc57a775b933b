// What a phase needs to be passed: so many of its steps succeeded. A phase may name a gate of its own; the settings have one for the others.
import type { Draft } from '../draft.ts';
import { gateFailure, successRate, wantedRate } from '../gate-rule.ts';
import type { Group } from '../plan/shape.ts';
import type { GroupState } from '../state.ts';
import { note } from './note.ts';
import { allowed, type Policy } from './policy.ts';

export const phaseGate: Policy = {
  name: 'phase-gate',
  description:
    'A phase is passed when the share of its steps that succeeded is what its gate asks for, or else the settings.',
  mode: ({ policies }) => policies.phase_gate?.mode ?? 'off',
  // Where it is enforced it is the gate of the phase, which has been asked before; what only looks is asked here.
  judgePhase: (draft, at, state) => {
    const rule = draft.task.settings.policies.phase_gate;
    if (rule === undefined || rule.mode === 'enforce' || wantedRate(draft, at) !== null) return allowed;
    const rate = successRate(state);
    if (rate >= rule.min_success_rate) return allowed;
    const reason = `${state.succeeded} of ${state.succeeded + state.failed} steps succeeded (${rate.toFixed(2)}, wanted ${rule.min_success_rate})`;
    return { allowed: false, deny: true, reason, metadata: { rate, min_success_rate: rule.min_success_rate } };
  },
};

/** A gate that was not passed, for good. */
export const noteGate = (draft: Draft, at: number, state: GroupState): void => {
  const { name } = draft.task.shape.groups[at] as Group;
  const { succeeded, failed } = state;
  const metadata = { rate: successRate(state), min_success_rate: wantedRate(draft, at) ?? 1, succeeded, failed };
  note(draft, phaseGate.name, 'enforce', null, name, { reason: gateFailure(draft, at, state), metadata });
};
