// A task's state: plain readonly data, a function of its events alone. `shape`, `waits`, `groups` and `asks` follow from the rest and
// are built again when a snapshot is loaded.
import type {
  Artifact,
  DlqReason,
  Failure,
  Json,
  Parent,
  Plan,
  Risk,
  Settings,
  StepStatus,
  Submission,
  TaskStatus,
  WakeReason,
} from '@capstan/contracts';
import type { Paged } from './paged.ts';
import type { Addition, Shape } from './plan/shape.ts';

/**
 * The version of these rules. `decide` of a newer version goes on with tasks of the previous one. Since 2 sub-tasks count as open tasks of their
 * tenant, a step has at least the risk of its tool, and a check that was held back waits for its turn like a step. Since 3 what several ask approval
 * for is approved for each of them, who might approve a step decides on its flags and questions, the task above lifts no hold but its own, and
 * an order whose queue nobody serves any more uses up no try. Breakers hear of every failure.
 * Leave to begin goes by a priority that grows with the time waited.
 * A spent budget is the end of the task, and tasks below it share what is left. Of steps that
 * ended in the same moment the one that depends on the other is undone first. A service level that passes between two attempts is said.
 * A report with more artifacts, or more left behind by a question, than a record has room for fails.
 */
export const rulesVersion = 3;

export interface Attempt {
  readonly n: number;
  readonly agent: string | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly outcome: string | null;
  readonly error: Failure | null;
}

export interface Timer {
  readonly n: number;
  readonly at: number;
  readonly why: WakeReason;
}

export interface Approval {
  readonly hash: string;
  readonly roles: readonly string[];
}

/** `do` is the step's own work; `verify` is the verifier's look at it. Both use up attempt numbers of the same step. */
export type Stage = 'do' | 'verify';

export interface StepState {
  readonly status: StepStatus;
  readonly stage: Stage;
  /** The last attempt number given out; never given out again within the task. */
  readonly attempt: number;
  /** Attempts of the present run of retries; starts again with a retry that a person asked for. */
  readonly tries: number;
  readonly queue: string | null;
  /** The last attempt that a queue was looked for, and the last one that a queue was found for. */
  readonly wanted: number;
  readonly routed: number;
  /** Why nobody was found for it, where that was heard while a person was asked: said of it once that is decided. */
  readonly unrouted: string | null;
  readonly agent: string | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly output: Json;
  readonly error: Failure | null;
  readonly attempts: readonly Attempt[];
  readonly findings: readonly [major: number, medium: number, minor: number];
  readonly artifacts: readonly (Artifact & { readonly attempt: number })[];
  readonly waitingFor: string | null;
  readonly timer: Timer | null;
  /** What a person is asked about it. */
  readonly asked: OpenAsk | null;
  /** The hash of the input that a person approved, for whoever asked: under rules before 3. */
  readonly approved: string | null;
  /** By policy that asked: the hash of the input that a person approved, and who might. */
  readonly approvals: Readonly<Record<string, Approval>> | null;
  /** A person started it, in manual mode, or let it pass a checkpoint. */
  readonly started: boolean;
  readonly answer: { readonly value: Json; readonly by: string; readonly at: string } | null;
  /** What the agent left when it asked. */
  readonly left: Json;
  /** It was skipped because something that it depends on ended badly. */
  readonly doomed: boolean;
  /** A new plan has no place for it: it is never done again, and its name never used again. */
  readonly removed: boolean;
  /** The policy that lets it wait for its turn. */
  readonly heldBy: string | null;
  /** What its last failure would be put aside for, once so many breakers have said that their circuit is not open. */
  readonly unjudged: { readonly left: number; readonly reason: DlqReason } | null;
  /** That its time is over was said. */
  readonly late: boolean;
  /** What the task that does it was given of the budget. */
  readonly granted: Granted | null;
}

export interface Granted {
  readonly tokens: number | null;
  readonly steps: number | null;
}

export interface GroupState {
  readonly left: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** Going back that waits until everything has stopped. */
export interface Revival {
  readonly slots: readonly number[];
  /** Who wants the slots to count as skipped; null where they are to be done again. */
  readonly skippedBy: string | null;
}

export interface HistoryEntry {
  readonly status: string;
  readonly at: number;
  readonly by: string | null;
}

export interface Hold {
  /** `parent`: nothing but the task above it, which is held itself. */
  readonly why: 'paused' | 'planned' | 'failure' | 'checkpoint' | 'parent';
  readonly by: string | null;
  readonly text: string;
  /** The spec whose checkpoint it is. */
  readonly spec: number | null;
}

export interface OpenAsk {
  readonly id: string;
  readonly kind: 'approval' | 'question' | 'flag';
  /** The policy that wants approval. */
  readonly policy?: string;
  /** A flag or a question of a step that had to be approved. */
  readonly ofApproved?: true;
  readonly slot: number;
  readonly attempt: number;
  readonly inputHash: string;
  readonly roles: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly text: string;
}

export interface Denial {
  readonly policy: string;
  readonly mode: 'enforce' | 'check';
  readonly step: string | null;
  readonly phase: string | null;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly at: number;
}

export interface TaskState {
  readonly rules: number;
  readonly taskId: string;
  readonly request: Submission;
  readonly settings: Settings;
  readonly routes: Readonly<Record<string, string>>;
  /** What steps of a capability may do at worst, as far as agents have said so; what is not named is low. */
  readonly risks: Readonly<Record<string, Risk>>;
  /** The plan as submitted, or what a planner gave besides its steps; null while there is none. */
  readonly plan: Plan | null;
  /** It came from a planner, so the submission doesn't hold it. */
  readonly planned: boolean;
  readonly planHash: string | null;
  /** The step that this task does, where it is a sub-task. */
  readonly parent: Parent | null;
  /** Actors that are told when it ends. */
  readonly listeners: readonly string[];
  /** Its tenant's leave to begin; none is wanted without a quota. */
  readonly leave: 'none' | 'asked' | 'granted' | 'returned';
  readonly additions: readonly Addition[];

  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly seq: number;
  /** The task's own time: that of its newest event, never backwards. */
  readonly at: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly history: readonly HistoryEntry[];

  readonly steps: Paged<StepState>;
  readonly counts: Readonly<Partial<Record<StepStatus, number>>>;
  /** Slots that have not ended, without errands. */
  readonly open: number;
  /** Errands (notifications) that have not ended; they outlive the task's own end. */
  readonly errands: number;
  /** Steps in stage `verify` that run. */
  readonly verifying: number;

  /** What holds it; where that is something of its own, the hold of the task above it is in `above` alone. */
  readonly hold: Hold | null;
  readonly above: Hold | null;
  /** The event of the task above it that steered it last: what was said before that is over, whenever it comes. */
  readonly steered: number;
  readonly ending: { readonly as: 'cancelled' | 'failed'; readonly reason: string; readonly by: string | null } | null;
  /** What is to begin again once everything has stopped. */
  readonly revivals: readonly Revival[];
  /** How often undo steps have been added, and whether that was since the task last came to life. */
  readonly undone: number;
  readonly compensated: boolean;
  /** What waits for a person, by intervention. */
  readonly asks: Readonly<Record<string, OpenAsk>>;
  /** Everything that was ever asked; the oldest are forgotten first. */
  readonly interventions: readonly string[];
  readonly loops: Readonly<Record<string, number>>;
  /** What policies said no to, or would have. */
  readonly denials: readonly Denial[];
  /** Phases that a policy keeps from being passed, with its reason. */
  readonly barred: Readonly<Record<string, string>>;
  /** How many steps wait for their turn, and below which slot none does. */
  readonly turns: { readonly waiting: number; readonly from: number };
  /** How often it was planned anew. */
  readonly replans: number;
  /** Timers of the task as a whole. */
  readonly timers: readonly Timer[];
  /** The last number given to a timer, and to an intervention. */
  readonly lastTimer: number;
  readonly lastAsk: number;
  readonly usage: { readonly tokensIn: number; readonly tokensOut: number; readonly wallMs: number };
  /** Steps of tasks below it that have ended, where they count. */
  readonly stepsBelow: number;
  readonly findings: readonly [major: number, medium: number, minor: number];
  /** Findings that somebody has dealt with: found again, they count no more. */
  readonly resolved: readonly string[];
  readonly result: Json;

  readonly shape: Shape;
  /** By spec: how many of what it waits for have not ended. */
  readonly waits: Paged<number>;
  readonly groups: Paged<GroupState>;
}

export const newStep: StepState = Object.freeze({
  status: 'pending',
  stage: 'do',
  attempt: 0,
  tries: 0,
  queue: null,
  wanted: 0,
  routed: 0,
  unrouted: null,
  agent: null,
  startedAt: null,
  finishedAt: null,
  output: null,
  error: null,
  attempts: Object.freeze([]),
  findings: Object.freeze([0, 0, 0] as const),
  artifacts: Object.freeze([]),
  waitingFor: null,
  timer: null,
  asked: null,
  approved: null,
  approvals: null,
  started: false,
  answer: null,
  left: null,
  doomed: false,
  removed: false,
  heldBy: null,
  unjudged: null,
  late: false,
  granted: null,
});

export const hasEnded = (status: StepStatus): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'skipped' || status === 'cancelled';
export const taskEnded = (status: TaskStatus): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'cancelled';

/** A person skipped it, which stays so when its surroundings are done again. */
export const skippedByHand = (step: StepState): boolean =>
  step.status === 'skipped' && step.error?.code === skippedCode;
export const skippedCode = 'skipped';
