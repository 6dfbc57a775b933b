// What an agent gives back for an attempt: done, retry, reject or park. How it is reported is the loop's business.
import type { Finding } from '@capstan/contracts';

export interface Extras {
  readonly findings?: readonly Finding[];
  readonly usage?: { readonly tokens_in?: number; readonly tokens_out?: number };
}

export interface Done extends Extras {
  readonly kind: 'done';
  readonly output: unknown;
  readonly addSteps?: readonly Readonly<Record<string, unknown>>[];
}

export interface Failed extends Extras {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly afterMs?: number;
  /** What there is to see of it in spite of the failure. */
  readonly output?: unknown;
}

export interface Parked {
  readonly kind: 'parked';
  readonly text: string;
  /** JSON Schema of the answer. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly expiresMs?: number;
  /** Comes back with the answer. */
  readonly state?: unknown;
}

export type Outcome = Done | Failed | Parked;

export const done = (output: unknown = {}, extras: Omit<Done, 'kind' | 'output'> = {}): Done => ({
  kind: 'done',
  output,
  ...extras,
});

type FailedExtras = Omit<Failed, 'kind' | 'code' | 'message' | 'retryable'>;

/** It may go better next time. `afterMs` where the far side said when. */
export const retry = (code: string, message: string, extras: FailedExtras = {}): Failed => ({
  kind: 'failed',
  code,
  message,
  retryable: true,
  ...extras,
});

/** It would go the same way next time. */
export const reject = (code: string, message: string, extras: Omit<FailedExtras, 'afterMs'> = {}): Failed => ({
  kind: 'failed',
  code,
  message,
  retryable: false,
  ...extras,
});

/** A person must say something first; the work comes back as a new order with the answer and the state. */
export const park = (question: Omit<Parked, 'kind'>): Parked => ({ kind: 'parked', ...question });

/** An outcome as an error, for where it is found too deep to be returned. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  readonly outcome: Failed;
  constructor(outcome: Failed, options?: ErrorOptions) {
    super(outcome.message, options);
    this.outcome = outcome;
  }
}
