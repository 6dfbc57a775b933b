// A task and the circuits of its queues and tools: failures are told to both breakers, which count those that speak of the agent. What a breaker makes of
// that is in actors/breaker.ts, and what a task does where one is open in events/told.ts.
import { actorId, type Circuit, type Failure, type Json, limits } from '@capstan/contracts';
import { type Draft, idIn, specIn } from './draft.ts';
import { capabilityOf } from './order.ts';

export interface CircuitRule {
  readonly failures: number;
  readonly recoveryMs: number;
  readonly codes: readonly string[];
}

/** Codes that say that the agent is out of order, whatever the work was. */
export const circuitCodes = ['timeout', 'crashed', 'unavailable', 'max_deliveries'];

/** The plan's own words first, then the installation's for this queue or tool, then those for all, then Capstan's. */
export const circuitRule = (draft: Draft, of: 'queue' | 'tool', name: string): CircuitRule => {
  const { circuit } = draft.task.settings;
  const named = (of === 'queue' ? circuit.queues : circuit.tools)?.[name];
  const said: Circuit = { ...circuit, ...named, ...draft.task.plan?.circuit };
  return {
    failures: said.failures ?? limits.circuitFailures,
    recoveryMs: said.recovery_ms ?? limits.circuitRecoveryMs,
    codes: said.codes ?? circuitCodes,
  };
};

const counts = (rule: CircuitRule, code: string): boolean =>
  rule.failures > 0 && (rule.codes.includes(code) || rule.codes.includes('*'));

/** The rules since which breakers hear of every failure, and have their say before it is final. */
export const allAreTold = 3;

/**
 * Tells the breakers of a failed attempt. They answer where the circuit is open; where the failure `isFinal`, each answers in any case, and how many
 * of them will is given back.
 */
export const tellBreakers = (draft: Draft, slot: number, failure: Failure, isFinal: boolean): number => {
  const step = draft.steps.read(slot);
  if (step.queue === null || step.attempt === 0) return 0;
  const isNew = draft.task.rules >= allAreTold;
  let told = 0;
  const capability = capabilityOf(specIn(draft, slot), step);
  const name = ['failed', draft.task.taskId, idIn(draft, slot), step.attempt];
  for (const [of, which] of [
    ['queue', step.queue],
    ['tool', capability],
  ] as const) {
    const rule = circuitRule(draft, of, which);
    if (isNew ? rule.failures === 0 : !counts(rule, failure.code)) continue;
    const body: Record<string, Json> = {
      of,
      name: which,
      code: failure.code,
      message: failure.message.slice(0, 200),
      failures: rule.failures,
      recovery_ms: rule.recoveryMs,
      codes: rule.codes,
      ...(isNew ? { counts: counts(rule, failure.code), asks: isFinal } : {}),
    };
    told += 1;
    draft.effects.push({ kind: 'say', to: actorId('breaker', `${of}-${which}`), name, body });
  }
  return isNew && isFinal ? told : 0;
};
