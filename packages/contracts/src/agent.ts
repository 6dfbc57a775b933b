// How an agent announces itself, and what it says while it works.
import { z } from 'zod';
import { capability, id, time, version } from './ids.ts';
import { risk } from './plan.ts';

export const health = z.enum(['ok', 'degraded', 'draining']);

export const agentRecord = z.looseObject({
  v: version,
  queue: id,
  instance: id,
  domain: z.string().max(64).optional(),
  capabilities: z.array(capability).max(1_000),
  /** What it could do but for something that is missing just now, and what that is. */
  missing: z.record(z.string().max(128), z.string().max(1_024)).optional(),
  /** What a step with one of them may do at worst, where that is more than `low`: a plan may say more of it, and never less. */
  risks: z.record(z.string().max(128), risk).optional(),
  /** The templates that it can plan by; what announces none may know any. */
  templates: z.array(id).max(1_000).optional(),
  tags: z.record(z.string().max(64), z.string().max(256)).optional(),
  concurrency: z.int().min(1).max(100_000).optional(),
  busy: z.int().min(0).optional(),
  version: z.string().max(64).optional(),
  started_at: time.optional(),
  health: health.optional(),
});
export type AgentRecord = z.infer<typeof agentRecord>;

export const progress = z.looseObject({
  v: version,
  attempt: z.int().min(1),
  agent: z.string(),
  kind: z.enum(['started', 'progress']),
  percent: z.number().min(0).max(100).optional(),
  message: z.string().max(4_096).optional(),
});
export type Progress = z.infer<typeof progress>;

export const cancel = z.looseObject({ v: version, attempt: z.int().min(1), reason: z.string(), force_at: time });
export type Cancel = z.infer<typeof cancel>;

export const logLine = z.looseObject({
  v: version,
  attempt: z.int().min(1),
  seq: z.int().min(0),
  stream: z.string().max(32),
  text: z.string(),
  at: time,
});
export type LogLine = z.infer<typeof logLine>;
