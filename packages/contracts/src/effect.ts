// An effect: what the engine wants done. The coordinator does it; each durable one has a name, so doing it twice is doing it once.
import type { DlqReason } from './dead-letter.ts';
import type { Parent } from './event.ts';
import type { Intervention } from './intervention.ts';
import type { Json } from './json.ts';
import type { order } from './order.ts';
import type { Plan } from './plan.ts';
import type { report } from './report.ts';
import type { Submission } from './submission.ts';
import type { z } from 'zod';

/** An order as the engine writes it; the way adds the lease and where to report. */
export type OrderDraft = Omit<z.infer<ReturnType<typeof order.strip>>, 'lease' | 'report_to'>;

/** A report that Capstan makes itself; the lease comes with the way. */
export type ReportDraft = Omit<z.infer<ReturnType<typeof report.strip>>, 'lease'>;

export type Effect =
  /** Durable: hand an attempt of a step to a queue. */
  | { readonly kind: 'order'; readonly queue: string; readonly order: OrderDraft }
  /** Durable: put aside what will not be tried again. */
  | {
      readonly kind: 'bury';
      readonly reason: DlqReason;
      readonly step: string;
      readonly attempt: number;
      readonly queue: string;
      readonly attempts: number;
      readonly error: string;
      readonly hint: string;
      readonly order: OrderDraft;
    }
  /** Durable: an output that no record can hold goes to the object store, under this reference. */
  | { readonly kind: 'keep'; readonly ref: string; readonly data: string }
  /** Durable: what a person is asked, and later how it ended. */
  | { readonly kind: 'ask'; readonly intervention: Intervention }
  /** Durable: begin the task that does a step's work. */
  | {
      readonly kind: 'spawn';
      readonly child: string;
      readonly step: string;
      readonly attempt: number;
      readonly depth: number;
      readonly depthMax: number;
      readonly request: Submission;
      readonly plan: Plan | null;
      readonly planRef: Submission['plan_ref'] | null;
    }
  /** Durable: what is done to a task is done to those that do its steps. `id` names the command. */
  | {
      readonly kind: 'steer';
      readonly child: string;
      readonly id: string;
      readonly command: 'cancel' | 'pause' | 'resume';
      readonly reason: string;
    }
  /** Durable: how a task ended is told to the one whose step it did. */
  | { readonly kind: 'inform'; readonly parent: Parent; readonly report: ReportDraft }
  /** Said to whoever works on it: stop, clean up, report before `forceAt`. */
  | {
      readonly kind: 'cancel';
      readonly step: string;
      readonly attempt: number;
      readonly reason: string;
      readonly forceAt: number;
    }
  /** Say `woke.<n>` at that time. Held in memory; what stands of it follows from the state. */
  | {
      readonly kind: 'wake';
      readonly n: number;
      readonly at: number;
      readonly why: WakeReason;
      readonly step: string | null;
      readonly attempt: number;
    }
  | { readonly kind: 'unwake'; readonly n: number }
  /** Find a queue for it and say `routed` or `unrouted`. Follows from the state too. */
  | {
      readonly kind: 'route';
      readonly step: string;
      readonly attempt: number;
      readonly capability: string;
      readonly needs: Readonly<Record<string, string>>;
      /** The time of the step is limited by an SLA. */
      readonly isHurried: boolean;
    }
  /** Durable: tells another actor (a breaker, a tenant) something under a name of its own. */
  | {
      readonly kind: 'say';
      readonly to: string;
      readonly name: readonly (string | number)[];
      readonly body: Readonly<Record<string, Json>>;
    }
  /** Said at once, for watching, not for relying on. */
  | { readonly kind: 'tell'; readonly step: string | null; readonly status: string };

export type WakeReason = 'attempt' | 'retry' | 'expiry' | 'cancel' | 'deadline' | 'budget' | 'sla' | 'blocked';
