// How long to wait before the next attempt, and how many there may be.
import { type Failure, limits, type Retry, type Settings, type Step } from '@capstan/contracts';
import { fraction } from './hash.ts';
import { taskCapability } from './sub-task.ts';

export interface RetryRule {
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly multiplier: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
  /** Whether failures of the code may be tried again, where the agent does not say that they may not. */
  readonly retryable: boolean;
}

/**
 * The step's own words first, those on the failure's code before those on all; then the installation's in the same way, then Capstan's. A whole task
 * is done once, unless the step says more.
 */
export const retryRule = (step: Step, settings: Settings, code: string): RetryRule => {
  const own = { ...step.retry, ...of(step.retry, code) };
  const common = { ...settings.retry, ...of(settings.retry, code) };
  return {
    maxAttempts:
      own.max_attempts ?? (step.capability === taskCapability ? 1 : common.max_attempts) ?? limits.maxAttemptsDefault,
    initialDelayMs: own.initial_delay_ms ?? common.initial_delay_ms ?? limits.initialDelayMs,
    multiplier: own.multiplier ?? common.multiplier ?? limits.multiplier,
    maxDelayMs: own.max_delay_ms ?? common.max_delay_ms ?? limits.maxDelayMs,
    jitter: own.jitter ?? common.jitter ?? limits.jitter,
    retryable: mayBeRetried(step.retry, code) ?? mayBeRetried(settings.retry, code) ?? true,
  };
};

/** What is different for a code. */
const of = (retry: Retry | undefined, code: string): NonNullable<Retry['codes']>[string] => {
  const { codes } = retry ?? {};
  return codes !== undefined && Object.hasOwn(codes, code) ? (codes[code] ?? {}) : {};
};

/** By the code alone, or by the lists; undefined where nothing is said of any code. */
const mayBeRetried = (retry: Retry | undefined, code: string): boolean | undefined => {
  const { non_retryable: never, retryable: only } = retry ?? {};
  const listed = never === undefined && only === undefined ? undefined : only?.includes(code) !== false;
  return of(retry, code).retryable ?? (never?.includes(code) === true ? false : listed);
};

export const isRetryable = (failure: Failure, rule: RetryRule): boolean =>
  failure.retryable !== false && rule.retryable;

/** Exponential, with jitter to both sides drawn from the attempt's name, and never sooner than the agent asked for. */
export const retryDelay = (rule: RetryRule, tries: number, failure: Failure, name: string): number => {
  const grown = Math.min(rule.maxDelayMs, rule.initialDelayMs * rule.multiplier ** (tries - 1));
  const spread = grown * (1 + rule.jitter * (2 * fraction(name) - 1));
  return Math.max(Math.round(Math.min(spread, rule.maxDelayMs)), failure.retry_after_ms ?? 0);
};
