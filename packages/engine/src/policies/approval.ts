// What is risky, or says that it wants approval, waits for a person. An approval counts for the input that was shown, and for no other.
import { specIn } from '../draft.ts';
import { allowed, type Policy } from './policy.ts';

export const approval: Policy = {
  name: 'approval',
  description: 'A step of a risk that the settings name, or with "approval", waits until a person says yes.',
  judge: (draft, slot, inputHash) => {
    const { step, internal } = specIn(draft, slot);
    const rule = draft.task.settings.approval;
    const risk = step.risk ?? 'low';
    const wanted = step.approval !== undefined || step.capability === 'approval' || rule.risks.includes(risk);
    if (internal || !wanted || draft.steps.read(slot).approved === inputHash) return allowed;
    return {
      allowed: false,
      ask: { roles: step.approval?.roles ?? rule.roles, expiresMs: step.approval?.expires_ms ?? rule.expires_ms, risk },
      reason: step.approval === undefined ? `a step of ${risk} risk waits for approval` : 'the plan asks for approval',
    };
  },
};
