// How long to wait before the next attempt, and how many there may be.
import { type Failure, limits, type Settings, type Step } from '@capstan/contracts';
import { fraction } from './hash.ts';
import { taskCapability } from './sub-task.ts';

export interface RetryRule {
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly multiplier: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
  readonly nonRetryable: readonly string[];
}

/** The step's own words first, then the installation's, then Capstan's. A whole task is done once, unless the step says more. */
export const retryRule = (step: Step, settings: Settings): RetryRule => {
  const own = step.retry ?? {};
  const common = settings.retry;
  return {
    maxAttempts:
      own.max_attempts ?? (step.capability === taskCapability ? 1 : common.max_attempts) ?? limits.maxAttemptsDefault,
    initialDelayMs: own.initial_delay_ms ?? common.initial_delay_ms ?? limits.initialDelayMs,
    multiplier: own.multiplier ?? common.multiplier ?? limits.multiplier,
    maxDelayMs: own.max_delay_ms ?? common.max_delay_ms ?? limits.maxDelayMs,
    jitter: own.jitter ?? common.jitter ?? limits.jitter,
    nonRetryable: own.non_retryable ?? common.non_retryable ?? [],
  };
};

export const isRetryable = (failure: Failure, rule: RetryRule): boolean =>
  failure.retryable !== false && !rule.nonRetryable.includes(failure.code);

/** Exponential, with jitter to both sides drawn from the attempt's name, and never sooner than the agent asked for. */
export const retryDelay = (rule: RetryRule, tries: number, failure: Failure, name: string): number => {
  const grown = Math.min(rule.maxDelayMs, rule.initialDelayMs * rule.multiplier ** (tries - 1));
  const spread = grown * (1 + rule.jitter * (2 * fraction(name) - 1));
  return Math.max(Math.round(Math.min(spread, rule.maxDelayMs)), failure.retry_after_ms ?? 0);
};
