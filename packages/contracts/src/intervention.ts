// A point where a person is asked: an approval, a question, or a flag on something that went wrong.
import { z } from 'zod';
import { id, time, version } from './ids.ts';
import { json } from './json.ts';

export const interventionKind = z.enum(['approval', 'question', 'flag']);
export const interventionStatus = z.enum(['pending', 'approved', 'rejected', 'answered', 'expired', 'withdrawn']);

export const intervention = z.looseObject({
  v: version,
  id: z.string(),
  kind: interventionKind,
  status: interventionStatus,
  task_id: z.string(),
  step_id: z.string(),
  tenant: z.string(),
  title: z.string(),
  text: z.string(),
  /** Which policy wants the approval; each that does asks for itself. */
  policy: z.string().optional(),
  /** Whoever asked for the task may not decide it, as the settings of the task have it. */
  four_eyes: z.boolean().optional(),
  risk: z.string().optional(),
  requester: z.string().nullable(),
  roles: z.array(z.string()),
  /** What is approved is this plan and this input; a decision about another one counts for nothing. */
  plan_hash: z.string(),
  input_hash: z.string(),
  details: json.optional(),
  schema: json.optional(),
  created_at: time,
  expires_at: time.nullable(),
  decided_at: time.nullable(),
  by: z.string().nullable(),
  role: z.string().nullable(),
  reason: z.string().nullable(),
  value: json.optional(),
});
export type Intervention = z.infer<typeof intervention>;

export const decision = z.looseObject({
  v: version,
  intervention_id: z.string().max(64),
  by: z.string().min(1).max(256),
  role: id.optional(),
  reason: z.string().max(4_096).optional(),
  value: json.optional(),
});
export type Decision = z.infer<typeof decision>;
