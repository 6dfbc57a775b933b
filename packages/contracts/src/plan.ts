// A plan: a DAG of steps with phases, as a client, a template or a planner writes it.
import { z } from 'zod';
import { thresholds } from './finding.ts';
import { capability, id, ms, version } from './ids.ts';
import { json, jsonObject } from './json.ts';
import { limits } from './limits.ts';

export const risk = z.enum(['low', 'medium', 'high', 'critical']);
export type Risk = z.infer<typeof risk>;

const tries = {
  max_attempts: z.int().min(1).max(limits.maxAttemptsMax).optional(),
  initial_delay_ms: ms.optional(),
  multiplier: z.number().min(1).max(100).optional(),
  max_delay_ms: ms.optional(),
  jitter: z.number().min(0).max(1).optional(),
};
const code = z.string().min(1).max(64);
const codesMax = 100;

/** `retryable`: only these codes are tried again. `codes`: what is different for one code, over what is said for all. */
export const retry = z
  .looseObject({
    ...tries,
    non_retryable: z.array(z.string().max(64)).max(codesMax).optional(),
    retryable: z.array(code).max(codesMax).optional(),
    codes: z.record(code, z.looseObject({ ...tries, retryable: z.boolean().optional() })).optional(),
  })
  .superRefine(({ non_retryable: never, retryable: only, codes }, context) => {
    const named = Object.keys(codes ?? {});
    const wrong = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path });
    if (named.length > codesMax) wrong(`at most ${codesMax} codes may have rules of their own`, 'codes');
    for (const one of only ?? [])
      if (never?.includes(one))
        wrong(`"${one}" is in non_retryable as well; say which of the two is meant`, 'retryable');
    for (const one of named) {
      const said = codes?.[one]?.retryable;
      if (said === true && never?.includes(one))
        wrong(`"${one}" is in non_retryable; say which of the two is meant`, 'codes', one, 'retryable');
      if (said === false && only?.includes(one))
        wrong(`"${one}" is in retryable above; say which of the two is meant`, 'codes', one, 'retryable');
    }
  });
export type Retry = z.infer<typeof retry>;

/** When a queue or a tool counts as out of order: so many failures in a row of these codes (`*` for all); 0 means never. */
export const circuit = z.looseObject({
  failures: z.int().min(0).max(10_000).optional(),
  recovery_ms: z.int().min(100).max(limits.timeoutMsMax).optional(),
  codes: z.array(z.string().max(64)).max(100).optional(),
});
export type Circuit = z.infer<typeof circuit>;

export const approval = z.looseObject({
  roles: z.array(id).max(20).optional(),
  expires_ms: z.int().min(1).max(limits.interventionExpiresMsMax).optional(),
});

export const sandbox = z.looseObject({
  image: z.string().max(256).optional(),
  egress: z.array(z.string().max(256)).max(100).optional(),
  cpu: z.number().positive().max(256).optional(),
  memory_mb: z.int().min(1).optional(),
  pids: z.int().min(1).optional(),
  disk_mb: z.int().min(1).optional(),
});

export const each = z.union([
  z.looseObject({ count: z.int().min(1).max(limits.planStepsMax) }),
  z.looseObject({ items: z.union([z.string(), z.array(json).max(limits.planStepsMax)]) }),
]);

export const step = z.looseObject({
  id,
  title: z.string().max(256).optional(),
  description: z.string().max(16_384).optional(),
  phase: id.optional(),
  capability,
  input: jsonObject.optional(),
  needs: z.record(z.string().max(64), z.string().max(256)).optional(),
  depends_on: z.array(id).max(10_000).optional(),
  when: z.string().max(4_096).optional(),
  risk: risk.optional(),
  approval: approval.optional(),
  retry: retry.optional(),
  timeout_ms: z.int().min(1).max(limits.timeoutMsMax).optional(),
  heartbeat_ms: z.int().min(limits.heartbeatMsMin).max(limits.timeoutMsMax).optional(),
  sla_ms: z.int().min(1).optional(),
  on_failure: z.enum(['fail', 'skip', 'continue']).optional(),
  sandbox: sandbox.optional(),
  criteria: z.array(z.string().max(4_096)).max(100).optional(),
  verify: z.array(jsonObject).max(100).optional(),
  undo: z.looseObject({ capability, input: jsonObject.optional() }).optional(),
  complexity: z.string().max(32).optional(),
  each: each.optional(),
});
export type Step = z.infer<typeof step>;

export const phase = z.looseObject({
  name: id,
  gate: z.looseObject({ min_success_rate: z.number().min(0).max(1).optional() }).optional(),
  feedback_to: id.optional(),
  max_loops: z.int().min(0).max(limits.phaseLoopsMax).optional(),
});
export type Phase = z.infer<typeof phase>;

/** How often the planner is asked anew when something failed that nothing tolerates. */
export const replan = z.looseObject({ max: z.int().min(0).max(limits.replansMax) });

export const plan = z.looseObject({
  v: version,
  params: jsonObject.optional(),
  phases: z.array(phase).max(100).optional(),
  thresholds: thresholds.optional(),
  circuit: circuit.optional(),
  replan: replan.optional(),
  steps: z.array(step).min(1).max(limits.planStepsMax),
});
export type Plan = z.infer<typeof plan>;
