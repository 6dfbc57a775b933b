// A partition as the rest of a coordinator sees it, and what it takes to open one.
import type { Quarantine } from '@capstan/contracts';
import type { TaskState } from '@capstan/engine';
import type { Mark } from './actor.ts';
import type { ActorPerformer } from './actors/perform.ts';
import type { Alarms } from './alarms.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Heard } from './hear.ts';
import type { Lists } from './lists/lists.ts';
import type { Performer } from './perform.ts';
import type { Release } from './quarantine.ts';
import type { References } from './references.ts';
import type { Turnstile } from './turnstile.ts';
import type { World } from './world.ts';

export interface Partition {
  readonly number: number;
  /** Where reading goes on: everything up to it is covered, or was read. */
  readonly after: number;
  readonly checkpoint: Checkpoint | null;
  hear(heard: Heard): void;
  /** The state as it is now, not as it was last stored; null where there is no such task. */
  read(task: string): Promise<TaskState | null>;
  /** Stores everything that may be stored, and the checkpoint; resolves once that is done. */
  settle(): Promise<void>;
  /** Resolves once everything up to a sequence has been heard and decided. */
  reached(seq: number): Promise<void>;
  /** Everything of it up to a place was heard, and orders up to `order`, in their own stream, follow from no later event. */
  passed(position: Mark, order: number): void;
  /** Why a task stands still; null for one that goes on. */
  quarantineOf(task: string): Quarantine | null;
  /** Lets a task go on that stands still. Resolves with why it stands still again, where it does. */
  readmit(task: string, release: Release): Promise<Quarantine | null>;
  /** Moves tasks that ended long ago to the archive; resolves with how many. */
  archive(): Promise<number>;
  stop(): void;
  /** Reads from further back than the checkpoint: what is covered is skipped. */
  rewind(seq: number): void;
  readonly lists: Lists;
  /** In memory. */
  readonly size: number;
  /** As the list of open tasks has it. */
  readonly open: number;
}

export interface PartitionParts {
  readonly world: World;
  readonly references: References;
  readonly performer: Performer;
  readonly alarms: Alarms;
  readonly turnstile: Turnstile;
  readonly actors: ActorPerformer;
  /** Up to here nothing was new to the log when this process began to read: a submission beyond it is known nowhere yet. */
  readonly knownUpTo: number;
  /** Whether this process opens it for the first time. */
  readonly isStart: boolean;
  /** Somebody else wrote a snapshot: what is in memory here counts for nothing any more. */
  overtaken(partition: number, error: Error): void;
}
