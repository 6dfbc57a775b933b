// A task as it stands: what `nats kv get` of its key shows.
import { z } from 'zod';
import { artifact } from './report.ts';
import { failure } from './order.ts';
import { json, jsonObject } from './json.ts';
import { mode, priority } from './submission.ts';
import { time, version } from './ids.ts';

export const taskStatuses = [
  'queued',
  'planning',
  'planned',
  'awaiting_approval',
  'awaiting_input',
  'running',
  'paused',
  'blocked',
  'verifying',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export const taskStatus = z.enum(taskStatuses);
export type TaskStatus = z.infer<typeof taskStatus>;

export const stepStatuses = [
  'pending',
  'ready',
  'running',
  'awaiting_approval',
  'awaiting_input',
  'retrying',
  'blocked',
  'succeeded',
  'failed',
  'skipped',
  'cancelled',
] as const;
export const stepStatus = z.enum(stepStatuses);
export type StepStatus = z.infer<typeof stepStatus>;

const ended = new Set<string>(['succeeded', 'failed', 'cancelled', 'skipped']);
/** Whether a task or a step of this status will not change by itself any more. */
export const isEnded = (status: TaskStatus | StepStatus): boolean => ended.has(status);

const when = time.nullable();

export const attemptRecord = z.looseObject({
  n: z.int(),
  agent: z.string().nullable(),
  started_at: when,
  finished_at: when,
  outcome: z.string().nullable(),
  error: failure.nullable(),
});

export const stepRecord = z.looseObject({
  status: stepStatus,
  depends_on: z.array(z.string()),
  attempt: z.int(),
  agent: z.string().nullable(),
  queue: z.string().nullable(),
  started_at: when,
  finished_at: when,
  output: json,
  error: failure.nullable(),
  attempts: z.array(attemptRecord),
  findings: z.looseObject({ major: z.int(), medium: z.int(), minor: z.int() }),
  waiting_for: z.string().nullable(),
  /** What a person is asked about it just now: the key of the inbox. */
  intervention: z.string().optional(),
});
export type StepRecord = z.infer<typeof stepRecord>;

export const denial = z.looseObject({
  policy: z.string(),
  mode: z.enum(['enforce', 'check']),
  step: z.string().nullable(),
  phase: z.string().nullable(),
  reason: z.string(),
  metadata: jsonObject,
  at: time,
});

export const taskRecord = z.looseObject({
  v: version,
  task_id: z.string(),
  title: z.string(),
  tenant: z.string(),
  priority,
  requester: z.string().nullable(),
  status: taskStatus,
  reason: z.string().nullable(),
  phase: z.string().nullable(),
  mode,
  plan_hash: z.string().nullable(),
  seq: z.int(),
  created_at: time,
  started_at: when,
  finished_at: when,
  updated_at: time,
  counts: z.record(z.string(), z.int()),
  steps: z.record(z.string(), stepRecord),
  /** A very large plan keeps its steps under these keys instead. */
  steps_in: z.array(z.string()).optional(),
  status_history: z.array(z.looseObject({ status: z.string(), at: time, by: z.string().nullable() })),
  artifacts: z.array(artifact.extend({ step: z.string(), attempt: z.int() })),
  interventions: z.array(z.string()),
  result: json,
  /** What policies said no to, or would have; the oldest are forgotten first. */
  denials: z.array(denial).optional(),
  /** The step that this task does, where it is a sub-task. */
  parent: z.looseObject({ task_id: z.string(), step_id: z.string(), attempt: z.int() }).optional(),
  /** It ended long ago and can only be read. */
  archived_at: time.optional(),
  usage: z.looseObject({ tokens_in: z.int(), tokens_out: z.int(), wall_ms: z.int() }),
});
export type TaskRecord = z.infer<typeof taskRecord>;
