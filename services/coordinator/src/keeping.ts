// What is kept how long. The numbers are limits; an installation may set its own.
import { limits } from '@capstan/contracts';

export interface Keeping {
  /** The name of an order that was stored stays at least so long. Infinity: for ever, and nothing is ever purged. */
  readonly orderNameMs: number;
  /** Between two looks at what may go. */
  readonly purgeEveryMs: number;
  /** A task that has ended stays in the bucket for so long, and at most so many of them do. */
  readonly tasksMs: number;
  readonly tasksMax: number;
  /** After the end of an archived task: how long its artifacts are kept, and it itself. */
  readonly artifactsMs: number;
  readonly archiveMs: number;
  /** What was to be put into the archive and never named is looked at after so long: by then nobody can still be about to put it. */
  readonly straysMs: number;
}

export const defaultKeeping: Keeping = {
  orderNameMs: limits.orderNameMs,
  purgeEveryMs: limits.purgeEveryMs,
  tasksMs: limits.keepTasksMs,
  tasksMax: limits.keepTasksMax,
  artifactsMs: limits.keepArtifactsMs,
  archiveMs: limits.keepArchiveMs,
  straysMs: limits.archiveStraysMs,
};
