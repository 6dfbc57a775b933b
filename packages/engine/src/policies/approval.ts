// What is risky, or says that it wants approval, waits for a person.
import { specIn } from '../draft.ts';
import { riskOf } from '../risk.ts';
import { allowed, type Policy } from './policy.ts';

export const approval: Policy = {
  name: 'approval',
  description: 'A step of a risk that the settings name, or with "approval", waits until a person says yes.',
  judge: (draft, slot) => {
    const { step, internal } = specIn(draft, slot);
    const rule = draft.task.settings.approval;
    const { risk, isOfTool } = riskOf(draft, slot);
    const isForPeople = step.capability === 'approval';
    const wanted =
      isForPeople || (step.approval !== undefined && step.capability !== 'input') || rule.risks.includes(risk);
    if (internal || !wanted) return allowed;
    return {
      allowed: false,
      ask: {
        roles: step.approval?.roles ?? rule.roles,
        expiresMs: step.approval?.expires_ms ?? rule.expires_ms,
        risk,
      },
      reason: reasonFor(step.approval !== undefined || isForPeople, risk, isOfTool ? step.capability : null),
    };
  },
};

const reasonFor = (isPlanned: boolean, risk: string, tool: string | null): string => {
  if (isPlanned) return 'the plan asks for approval';
  return tool === null
    ? `a step of ${risk} risk waits for approval`
    : `"${tool}" is a tool of ${risk} risk, and waits for approval`;
};
