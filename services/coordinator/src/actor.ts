// A task in memory: its state, and how far that is stored.
import type { SubmittedBody } from '@capstan/contracts';
import type { TaskState } from '@capstan/engine';

/** A place in the log, with the stream's time there. */
export interface Mark {
  readonly seq: number;
  readonly at: number;
}

export interface Actor {
  readonly id: string;
  state: TaskState;
  /** The key that made the tokens of this task. */
  readonly key: string;
  /** The sequence of the event that began it. */
  readonly first: number;
  /** The hash of its settings, which those that do its steps share. */
  readonly settings: string;
  /** The revision of its snapshot, 0 while there is none; and of each page. */
  revision: number;
  readonly pageRevisions: Map<number, number>;
  /** The state that the snapshot holds: a page that is the same object there need not be written. */
  stored: TaskState | null;
  /** The first event that no stored snapshot covers, and since when, by this process's clock. */
  dirtyFrom: Mark | null;
  dirtySince: number;
  /** Not before this time is a snapshot that could not be stored written again. */
  retryAt: number;
  /** The first event that the snapshot being written covers. */
  writingFrom: Mark | null;
  /** Durable effects that are not stored yet. A snapshot waits for them: once it is written nobody would say them again. */
  unsaid: number;
  /** Orders that wait at the turnstile. A snapshot may be taken meanwhile; it says that they are owed. */
  held: number;
}

export const newActor = (id: string, began: { body: SubmittedBody; first: number }, state: TaskState): Actor => ({
  id,
  state,
  first: began.first,
  key: began.body.key,
  settings: began.body.settings,
  revision: 0,
  pageRevisions: new Map(),
  stored: null,
  dirtyFrom: null,
  dirtySince: 0,
  retryAt: 0,
  writingFrom: null,
  unsaid: 0,
  held: 0,
});

/** The earlier of two places. */
export const earlier = (a: Mark | null, b: Mark | null): Mark | null =>
  a === null ? b : b === null || a.seq <= b.seq ? a : b;

/** The first event of a task that would be lost with this process. */
export const uncoveredFrom = (actor: Actor): Mark | null => earlier(actor.dirtyFrom, actor.writingFrom);
