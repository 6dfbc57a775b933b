// What could not be handled, as an operator finds it: the original bytes, with short headers that say why and what to do.
import { z } from 'zod';
import { version } from './ids.ts';

export const dlqReasons = [
  'malformed',
  'invalid',
  'unsupported_version',
  'too_large',
  'forbidden',
  'conflict',
  'quota',
  'retries_exhausted',
  'not_retryable',
  'max_deliveries',
  'circuit_open',
  'expired',
  'unroutable',
  'internal',
] as const;
export const dlqReason = z.enum(dlqReasons);
export type DlqReason = z.infer<typeof dlqReason>;

export const dlqHeaders = {
  id: 'Dlq-Id',
  reason: 'Dlq-Reason',
  error: 'Dlq-Error',
  source: 'Dlq-Source',
  at: 'Dlq-At',
  attempts: 'Dlq-Attempts',
  subject: 'Dlq-Subject',
  stream: 'Dlq-Stream',
  seq: 'Dlq-Seq',
  task: 'Dlq-Task',
  step: 'Dlq-Step',
  sha256: 'Dlq-Sha256',
  hint: 'Dlq-Hint',
  ref: 'Dlq-Ref',
  header: 'Dlq-Header-',
  /** On the marker that says what became of an entry. */
  marker: 'Dlq-Marker',
  by: 'Dlq-By',
} as const;

/** A dead letter as the API lists it. */
export const deadLetter = z.looseObject({
  v: version,
  id: z.string(),
  seq: z.int(),
  reason: dlqReason,
  error: z.string(),
  source: z.string(),
  at: z.string(),
  attempts: z.int(),
  subject: z.string(),
  stream: z.string().nullable(),
  stream_seq: z.int().nullable(),
  task_id: z.string().nullable(),
  step_id: z.string().nullable(),
  sha256: z.string(),
  hint: z.string(),
  size: z.int(),
  state: z.enum(['open', 'redriven', 'dropped']),
  /** The original message where it is text; only when one entry is asked for. */
  body: z.string().optional(),
});
export type DeadLetter = z.infer<typeof deadLetter>;
