// An order: one attempt of one step, as an agent receives it.
import { z } from 'zod';
import { json, jsonObject } from './json.ts';
import { ms, time, version } from './ids.ts';
import { sandbox } from './plan.ts';

export const failure = z.looseObject({
  code: z.string().max(64),
  message: z.string().max(16_384),
  retryable: z.boolean().optional(),
  retry_after_ms: ms.optional(),
});
export type Failure = z.infer<typeof failure>;

export const answer = z.looseObject({ value: json, by: z.string(), at: time });

export const order = z.looseObject({
  v: version,
  task_id: z.string(),
  step_id: z.string(),
  attempt: z.int().min(1),
  capability: z.string(),
  input: jsonObject,
  /** Proves that a report is about this very attempt; nobody can guess it. */
  lease: z.string(),
  report_to: z.string(),
  deadline: time,
  /** How long this attempt may take in all; `deadline` is the same as a time. */
  timeout_ms: ms.optional(),
  heartbeat_ms: ms,
  last_failure: failure.optional(),
  answer: answer.optional(),
  state: json.optional(),
  context: z.looseObject({ title: z.string(), outputs: jsonObject, artifacts: z.array(jsonObject) }),
  sandbox: sandbox.optional(),
  tenant: z.string(),
});
export type Order = z.infer<typeof order>;
