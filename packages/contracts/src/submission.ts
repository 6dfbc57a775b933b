// What a client submits: a goal in words, a template with parameters, or a ready plan.
import { z } from 'zod';
import { thresholds } from './finding.ts';
import { id, ms, time, version } from './ids.ts';
import { jsonObject } from './json.ts';
import { limits } from './limits.ts';
import { plan, replan } from './plan.ts';

export const priority = z.enum(['low', 'normal', 'high', 'urgent']);
export const mode = z.enum(['auto', 'manual']);
export const onTaskFailure = z.enum(['stop', 'continue', 'pause', 'compensate']);

export const planRef = z.looseObject({
  ref: z.string().min(1).max(512),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'must be the 64 hexadecimal digits of a SHA-256')
    .optional(),
});

export const budget = z.looseObject({
  tokens: z.int().min(1).optional(),
  wall_ms: ms.optional(),
  steps: z.int().min(1).max(limits.planStepsMax).optional(),
  depth: z.int().min(0).max(limits.depthMax).optional(),
});

export const submission = z.looseObject({
  v: version,
  task_id: id.optional(),
  title: z.string().min(1).max(512).optional(),
  description: z.string().max(65_536).optional(),
  priority: priority.optional(),
  template: z.looseObject({ name: id, params: jsonObject.optional() }).optional(),
  plan: plan.optional(),
  plan_ref: planRef.optional(),
  constraints: z.array(z.string().max(4_096)).max(100).optional(),
  acceptance_criteria: z.array(z.string().max(4_096)).max(100).optional(),
  strict: z.boolean().optional(),
  mode: mode.optional(),
  start: z.boolean().optional(),
  checkpoints: z.array(id).max(1_000).optional(),
  on_failure: onTaskFailure.optional(),
  replan: replan.optional(),
  deadline: time.optional(),
  budget: budget.optional(),
  thresholds: thresholds.optional(),
  tenant: id.optional(),
  requester: z.string().min(1).max(256).optional(),
  callback_url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .max(2_048)
    .optional(),
  metadata: jsonObject.optional(),
});
export type Submission = z.infer<typeof submission>;

export const submitted = z.looseObject({
  v: version,
  task_id: id,
  status: z.string(),
  created: z.boolean(),
  warnings: z.array(z.string()),
});
export type Submitted = z.infer<typeof submitted>;
