// What the request doors take and give: one schema a verb, one shape for every error.
import { z } from 'zod';
import { health } from './agent.ts';
import { id, time, version } from './ids.ts';
import { json, jsonObject } from './json.ts';
import { dlqReason } from './dead-letter.ts';
import { taskStatus } from './task.ts';

export const errorCodes = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_large: 413,
  quota: 429,
  internal: 500,
  unavailable: 503,
} as const;
export type ErrorCode = keyof typeof errorCodes;

export const field = z.looseObject({ path: z.string(), issue: z.string() });
export type Field = z.infer<typeof field>;

export const apiError = z.looseObject({
  v: version,
  error: z.looseObject({
    code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    hint: z.string().optional(),
    fields: z.array(field).optional(),
  }),
});
export type ApiError = z.infer<typeof apiError>;

const by = z.string().min(1).max(256).optional();
const reason = z.string().max(4_096).optional();
/** Tasks that Capstan made itself have ids that begin with "_", so asking allows more than submitting does. */
const anyId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9_-]+$/, 'must be letters, digits, "_" or "-"');
const page = { limit: z.int().min(1).max(1_000).optional(), cursor: z.string().max(256).optional() };

export const taskAsk = z.looseObject({ v: version, task_id: anyId });
export const taskList = z.looseObject({
  v: version,
  status: taskStatus.optional(),
  tenant: id.optional(),
  since: time.optional(),
  ...page,
});
export const taskCommand = z.looseObject({ v: version, task_id: anyId, step_id: anyId.optional(), by, reason });
export const inboxAsk = z.looseObject({ v: version, id: anyId });
export const inboxList = z.looseObject({
  v: version,
  status: z.string().max(32).optional(),
  tenant: id.optional(),
  task_id: anyId.optional(),
  since: time.optional(),
  ...page,
});
export const inboxDecide = z.looseObject({
  v: version,
  id: anyId,
  by,
  role: id.optional(),
  reason,
  value: json.optional(),
});
export const agentList = z.looseObject({
  v: version,
  domain: z.string().optional(),
  capability: z.string().optional(),
  health: health.optional(),
  ...page,
});
const actorName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^_[A-Za-z0-9_=-]+$/, 'must be the id of a circuit, as circuit.list has it');
export const circuitList = z.looseObject({
  v: version,
  circuit: z.enum(['closed', 'open', 'half_open']).optional(),
  ...page,
});
export const circuitAct = z.looseObject({ v: version, id: actorName, by });
export const findingList = z.looseObject({
  v: version,
  task_id: anyId,
  step_id: anyId.optional(),
  severity: z.enum(['major', 'medium', 'minor']).optional(),
  resolved: z.boolean().optional(),
  ...page,
});
export const findingResolve = z.looseObject({ v: version, task_id: anyId, id: anyId, by, reason });
export const templateAsk = z.looseObject({ v: version, name: id });
export const templateRender = z.looseObject({ v: version, name: id, params: jsonObject.optional() });
export const scheduleList = z.looseObject({ v: version, name: id.optional(), ...page });
export const scheduleAsk = z.looseObject({ v: version, name: id, by });
export const dlqList = z.looseObject({
  v: version,
  reason: dlqReason.optional(),
  source: z.string().max(64).optional(),
  task_id: anyId.optional(),
  state: z.string().max(16).optional(),
  since: time.optional(),
  ...page,
});
export const dlqAsk = z.looseObject({ v: version, id: anyId });
/** One entry by `id`, or all that match, `limit` of them at a time: a `cursor` in the answer says that there are more; `dry_run` only tells which. */
export const dlqAct = z.looseObject({
  v: version,
  id: anyId.optional(),
  reason: dlqReason.optional(),
  source: z.string().max(64).optional(),
  task_id: anyId.optional(),
  since: time.optional(),
  all: z.boolean().optional(),
  dry_run: z.boolean().optional(),
  by,
  ...page,
});
