// An event: whatever the engine may ever be told. A task's events are in order, and each has a name that is accepted once.
import { z } from 'zod';
import { id, version } from './ids.ts';
import { type Json, json } from './json.ts';
import { type Plan, plan, type Risk, risk } from './plan.ts';
import type { Report } from './report.ts';
import type { Settings } from './settings.ts';
import { planRef, type Submission, submission } from './submission.ts';

/** Whose step a task does: where its end is told, and how deep below the task that a client submitted it is. */
export const parent = z.looseObject({
  task_id: z.string(),
  step_id: z.string(),
  attempt: z.int(),
  depth: z.int(),
  /** No task below may be deeper than this. */
  depth_max: z.int(),
  /** The id of the key that makes the parent's tokens. */
  key: z.string(),
});
export type Parent = z.infer<typeof parent>;

/** What is stored as `submitted`: the task, and everything that its decisions will depend on. */
export const submittedBody = z.looseObject({
  v: version,
  /** The id of the key that makes this task's tokens. */
  key: z.string(),
  rules: z.int(),
  /** SHA-256 of the canonical submission: tells a repeat from a conflict. */
  hash: z.string(),
  request: submission.omit({ plan: true, plan_ref: true }),
  plan: plan.optional(),
  plan_ref: planRef.optional(),
  /** SHA-256 of the settings, which are stored under it. */
  settings: z.string(),
  /** The queue of each capability that only one queue offered at this time. */
  routes: z.record(z.string(), z.string()),
  /** What steps of a capability may do at worst, as their agents said then; what is not named is low. */
  risks: z.record(z.string(), risk).optional(),
  parent: parent.optional(),
  /** Actors that are to hear when it ends. */
  listeners: z.array(z.string()).optional(),
});
export type SubmittedBody = z.infer<typeof submittedBody>;

export const routedBody = z.looseObject({ v: version, queue: z.string(), risk: risk.optional() });
export const unroutedBody = z.looseObject({ v: version, reason: z.string() });

export const command = z.enum(['cancel', 'pause', 'resume', 'start', 'retry', 'skip']);
export type Command = z.infer<typeof command>;
export const commandBody = z.looseObject({
  v: version,
  command,
  step_id: id.optional(),
  by: z.string().max(256),
  reason: z.string().max(4_096).optional(),
  value: json.optional(),
});
export type CommandBody = z.infer<typeof commandBody>;

export const decidedBody = z.looseObject({
  v: version,
  decision: z.enum(['approve', 'reject', 'answer']),
  by: z.string(),
  role: z.string().optional(),
  reason: z.string().optional(),
  value: json.optional(),
});
export type DecidedBody = z.infer<typeof decidedBody>;

export const wokeBody = z.looseObject({ v: version, step: z.string().nullable() });

export const redrivenBody = z.looseObject({ v: version, step_id: z.string(), by: z.string() });

type At = {
  /** Its place in the log. */
  readonly seq: number;
  /** When the log took it, in milliseconds: the only clock that the engine knows. */
  readonly at: number;
};

/** An event as the engine hears it: by-references are loaded, tokens are checked. */
export type Event = At &
  (
    | {
        readonly kind: 'submitted';
        readonly taskId: string;
        readonly request: Submission;
        readonly plan: Plan | null;
        readonly planHash: string | null;
        readonly settings: Settings;
        readonly routes: Readonly<Record<string, string>>;
        readonly body: SubmittedBody;
      }
    | {
        readonly kind: 'report';
        readonly step: string;
        readonly attempt: number;
        readonly queue: string;
        readonly report: Report;
        /** Said where the whole report is larger than an output in a record may be: where its output is to be kept, should it be that. */
        readonly keepAt?: string;
      }
    | { readonly kind: 'woke'; readonly n: number; readonly step: string | null }
    | {
        readonly kind: 'routed';
        readonly step: string;
        readonly attempt: number;
        readonly queue: string;
        /** What its agents say of the capability, where that is more than low. */
        readonly risk?: Risk;
      }
    | { readonly kind: 'unrouted'; readonly step: string; readonly attempt: number; readonly reason: string }
    | { readonly kind: 'decided'; readonly id: string; readonly body: DecidedBody }
    | { readonly kind: 'commanded'; readonly id: string; readonly body: CommandBody }
    /** Another actor says something: `what` it is, and the rest of its name. */
    | {
        readonly kind: 'told';
        readonly what: string;
        readonly name: readonly string[];
        readonly body: Readonly<Record<string, Json>>;
      }
    | { readonly kind: 'redriven'; readonly id: string; readonly step: string; readonly by: string }
  );
export type EventKind = Event['kind'];
