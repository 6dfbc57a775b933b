// What an installation may decide about every task. Resolved once per task and stored with it, so a change of
// configuration never changes what a running task does.
import { z } from 'zod';
import { ms } from './ids.ts';
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

export const settings = z.looseObject({
  approval: z
    .looseObject({
      risks: z.array(risk).default(['high', 'critical']),
      roles: z.array(z.string()).default([]),
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
});
export type Settings = z.infer<typeof settings>;
export const defaultSettings: Settings = settings.parse({});
