// A report: what came of one attempt, as an agent says it.
import { z } from 'zod';
import { finding } from './finding.ts';
import { ms, version } from './ids.ts';
import { json, jsonObject } from './json.ts';
import { limits } from './limits.ts';
import { failure } from './order.ts';

export const artifact = z.looseObject({
  name: z.string().min(1).max(256),
  size: z.int().min(0),
  sha256: z.string(),
  ref: z.string(),
});
export type Artifact = z.infer<typeof artifact>;

export const usage = z.looseObject({
  tokens_in: z.int().min(0).optional(),
  tokens_out: z.int().min(0).optional(),
  wall_ms: ms.optional(),
});

export const question = z.looseObject({
  text: z.string().min(1).max(16_384),
  schema: jsonObject.optional(),
  expires_ms: z.int().min(1).max(limits.interventionExpiresMsMax).optional(),
  state: json.optional(),
});

export const outcome = z.enum(['succeeded', 'failed', 'question', 'cancelled']);

export const report = z.looseObject({
  v: version,
  task_id: z.string(),
  step_id: z.string(),
  attempt: z.int().min(1),
  lease: z.string(),
  agent: z.string().max(160),
  outcome,
  output: json.optional(),
  error: failure.optional(),
  artifacts: z.array(artifact).max(1_000).optional(),
  findings: z.array(finding).max(10_000).optional(),
  usage: usage.optional(),
  add_steps: z.array(jsonObject).max(limits.addStepsMax).optional(),
  question: question.optional(),
});
export type Report = z.infer<typeof report>;
