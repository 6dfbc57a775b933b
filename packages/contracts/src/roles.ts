// The agents that come with Capstan: what each is asked and what it answers, so that anyone can replace one.
import { z } from 'zod';
import { thresholds } from './finding.ts';
import { json, jsonObject } from './json.ts';
import { plan } from './plan.ts';
import { submission } from './submission.ts';

export const planInput = z.looseObject({
  request: submission.omit({ plan: true, plan_ref: true }),
  /** Why the last plan did not do, where there was one. */
  feedback: json.optional(),
});
export const planOutput = z.looseObject({ plan });

/** A step of its own needs no more than `checks`; the work of a step comes with all of it. */
export const verifyInput = z.looseObject({
  step_id: z.string().optional(),
  output: json.optional(),
  checks: z.array(jsonObject).optional(),
  criteria: z.array(z.string()).optional(),
});
export const verifyOutput = z.looseObject({
  passed: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), passed: z.boolean(), message: z.string().optional() })),
  /** How each criterion was decided. */
  criteria: z
    .array(
      z.looseObject({
        text: z.string(),
        met: z.boolean(),
        by: z.enum(['command', 'model']),
        reason: z.string().optional(),
      }),
    )
    .optional(),
  /** Criteria that nobody here could decide. */
  not_judged: z.array(z.string()).optional(),
  /** What the repository allows, beside what the plan and the task do. */
  thresholds: thresholds.optional(),
});

/** What a step of capability `task` is given: a task, without what it has from the one that it belongs to. */
export const taskInput = submission
  .omit({ v: true, task_id: true, tenant: true, requester: true, strict: true })
  .extend({
    /** What becomes of the step when its task ends badly and no attempt is left. */
    on_child_failure: z.enum(['fail', 'continue', 'ask']).optional(),
  });
export type TaskInput = z.infer<typeof taskInput>;

export const notifyInput = z.looseObject({
  event: z.string(),
  channel: z.string(),
  to: z.string().optional(),
  subject: z.string(),
  text: z.string(),
  /** Sending twice with the same key should send once. */
  key: z.string(),
  task: jsonObject,
});
export const notifyOutput = z.looseObject({ sent: z.boolean() });

export const roles = {
  planner: { queue: 'planner', capabilities: { plan: { input: planInput, output: planOutput } } },
  executor: { queue: 'executor', capabilities: {} },
  verifier: { queue: 'verifier', capabilities: { verify: { input: verifyInput, output: verifyOutput } } },
  notifier: { queue: 'notifier', capabilities: { notify: { input: notifyInput, output: notifyOutput } } },
} as const;
export type Role = keyof typeof roles;
