// What an installation may decide about every task. Resolved once per task and stored with it, so a change of
// configuration never changes what a running task does.
import { z } from 'zod';
import { id, ms } from './ids.ts';
import { limits } from './limits.ts';
import { circuit, retry, risk } from './plan.ts';

export const notifyRule = z.looseObject({
  /** `task.succeeded`, `task.*`, `approval.requested`, `question.asked`, `flag.raised`, `step.blocked`, … */
  on: z.array(z.string().max(64)).min(1),
  channel: z.string().max(64),
  to: z.string().max(2_048).optional(),
});

/** How much a tenant, or a requester, may do at once. */
export const quota = z.looseObject({
  open_tasks: z.int().min(1).optional(),
  running_steps: z.int().min(1).optional(),
});
export type Quota = z.infer<typeof quota>;

/** `check` only writes down what it would have denied; `off` says nothing. */
export const policyMode = z.enum(['enforce', 'check', 'off']);
export type PolicyMode = z.infer<typeof policyMode>;
const mode = policyMode.default('enforce');

/** A policy of the installation's own, as a file beside its configuration says it. */
export const ownPolicy = z.strictObject({
  name: id,
  description: z.string().max(1_024).optional(),
  /** Asked before each attempt of a step, or when a phase is over. */
  on: z.enum(['dispatch', 'phase']).default('dispatch'),
  mode,
  /** A condition like those of plans. Where it holds, the answer is no. */
  deny: z.string().min(1).max(4_096),
  reason: z.string().max(1_024).optional(),
  /** A person may let a step pass all the same. */
  effect: z.enum(['deny', 'approve']).default('deny'),
  roles: z.array(id).max(20).default([]),
  metadata: z.record(z.string().max(64), z.union([z.string(), z.number(), z.boolean()])).default({}),
});
export type OwnPolicy = z.infer<typeof ownPolicy>;

const policies = z.strictObject({
  /** How many steps of one task may run at once; the rest wait for their turn. */
  max_concurrent_tasks: z.strictObject({ max: z.int().min(1), mode }).optional(),
  /** How long an attempt may be allowed to take. */
  task_timeout: z.strictObject({ max_ms: z.int().min(1), mode }).optional(),
  /** The gate of every phase that names none. */
  phase_gate: z.strictObject({ min_success_rate: z.number().min(0).max(1), mode }).optional(),
  /** How long a step may wait for an agent that can do it. */
  agent_availability: z.strictObject({ wait_ms: z.int().min(1), mode }).optional(),
  own: z.array(ownPolicy).max(100).default([]),
});

export const settings = z.looseObject({
  approval: z
    .looseObject({
      risks: z.array(risk).default(['high', 'critical']),
      roles: z.array(z.string()).default([]),
      /** The risk of tools (capabilities), where this installation knows better than those that offer them. */
      tools: z.record(z.string().max(128), risk).optional(),
      expires_ms: ms.default(limits.approvalExpiresMs),
      /** The one who asked may not be the one who approves. */
      four_eyes: z.boolean().default(false),
    })
    .prefault({}),
  retry: retry.prefault({}),
  /** What every circuit follows; `queues` and `tools` (capabilities) say otherwise for some. */
  circuit: circuit
    .extend({ queues: z.record(z.string(), circuit).optional(), tools: z.record(z.string(), circuit).optional() })
    .prefault({}),
  quotas: z
    .looseObject({
      /** What becomes of a task beyond the quota of open tasks. */
      over: z.enum(['queue', 'refuse']).default('queue'),
      /** For each tenant, and for each requester; named ones may have another. */
      tenant: quota.optional(),
      requester: quota.optional(),
      tenants: z.record(z.string(), quota).optional(),
      requesters: z.record(z.string(), quota).optional(),
    })
    .optional(),
  timeout_ms: z.int().min(1).max(limits.timeoutMsMax).default(limits.timeoutMs),
  heartbeat_ms: z.int().min(limits.heartbeatMsMin).default(limits.heartbeatMs),
  cancel_grace_ms: ms.default(limits.cancelGraceMs),
  notify: z.array(notifyRule).default([]),
  policies: policies.prefault({}),
});
export type Settings = z.infer<typeof settings>;
export const defaultSettings: Settings = settings.parse({});
