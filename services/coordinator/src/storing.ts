// Storing what was decided: snapshots of what changed, once everything durable up to them is stored, and the checkpoint below all that no
// snapshot covers.
import { PassingSet } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import { taskEnded } from '@capstan/engine';
import { type Actor, earlier, type Mark, uncoveredFrom } from './actor.ts';
import type { Progress } from './checkpoint.ts';
import { newOrderMarks } from './order-marks.ts';
import { Overtaken } from './overtaken.ts';
import { SnapshotTooLarge, writeSnapshot } from './snapshots.ts';
import type { World } from './world.ts';

export interface Storing {
  /** The task was changed by an event: it is to be stored, and until then the checkpoint stays below that event. */
  touch(actor: Actor, mark: Mark): void;
  /** Writes everything that may be written. */
  all(): void;
  /** Stores the checkpoint, where it has moved. */
  save(): Promise<void>;
  /** Stores it before long. */
  saveSoon(): void;
  /** Orders up to here, in their own stream, were decided by now. */
  ordersUpTo(order: number): void;
  /** Nothing is left to be stored, or nothing may be any more: somebody else wrote here. */
  idle(): boolean;
}

export interface StoringParts {
  readonly world: World;
  readonly number: number;
  readonly progress: Progress;
  /** The newest event that was heard. */
  readonly last: () => Mark;
  /** The first event that was heard and waits to be decided. */
  readonly waiting: () => Mark | null;
  readonly stopped: () => boolean;
  /** An order waits here that may have left before: it is said again although the checkpoint has passed what it follows from. */
  readonly mayRepeat: () => boolean;
  readonly overtaken: (partition: number, error: Error) => void;
  /** It can't be stored as it is: it is to stand still, and until that is stored the checkpoint stays below its first event that isn't. */
  readonly tooLarge: (actor: Actor, error: SnapshotTooLarge) => void;
  /** A snapshot was written, or was not: its task need not be in memory any more, perhaps. */
  readonly written: (task: string) => void;
}

export const newStoring = (parts: StoringParts): Storing => {
  const { world, number, progress } = parts;
  const dirty = new PassingSet<Actor>();
  const writing = new PassingSet<Actor>();
  /** Somebody else wrote here: nothing more may be stored, and there is nothing left to wait for. */
  let isLost = false;
  const marks = newOrderMarks();

  const touch = (actor: Actor, mark: Mark) => {
    if (actor.dirtyFrom === null) {
      actor.dirtyFrom = { seq: mark.seq, at: mark.at };
      actor.dirtySince = world.clock.now();
    }
    dirty.add(actor);
    flushSoon();
  };

  const writeOne = (actor: Actor) => {
    dirty.delete(actor);
    writing.add(actor);
    actor.writingFrom = actor.dirtyFrom;
    actor.dirtyFrom = null;
    const { state } = actor;
    const owes = actor.held > 0;
    // Both at once: from now on it may be written again, and that write is another one.
    const over = () => {
      writing.delete(actor);
      actor.writingFrom = null;
    };
    writeSnapshot(world, actor)
      .then(
        () => {
          over();
          progress.covered(actor, state, owes);
        },
        (error: unknown) => {
          // What was to be covered is not: the checkpoint stays below it.
          actor.dirtyFrom = earlier(actor.writingFrom, actor.dirtyFrom);
          over();
          // Tried again it would be as large, and hold up all others for ever.
          if (error instanceof SnapshotTooLarge) return parts.tooLarge(actor, error);
          dirty.add(actor);
          isLost ||= error instanceof Overtaken;
          if (error instanceof Overtaken) return parts.overtaken(number, error);
          world.log.warn({ err: error, task: actor.id }, 'the snapshot is not stored yet');
          actor.retryAt = world.clock.now() + snapshotRetryMs;
          flushSoon();
        },
      )
      .finally(() => {
        if (!parts.stopped()) parts.written(actor.id);
      });
  };

  /** Writes what is due: ended tasks at once, live ones when they have been dirty for a while; with `all`, everything that may be written. */
  const snapshots = (all: boolean) => {
    if (isLost) return;
    const now = world.clock.now();
    const due = now - limits.liveSnapshotAfterMs;
    for (const actor of dirty) {
      if (actor.unsaid > 0 || actor.writingFrom !== null) continue;
      if (now < actor.retryAt && !all) continue;
      if (all || taskEnded(actor.state.status) || actor.dirtySince <= due) writeOne(actor);
    }
  };
  let flushing = false;
  const flushSoon = () => {
    if (flushing || parts.stopped()) return;
    flushing = true;
    world.clock.later(limits.endedSnapshotEveryMs, () => {
      flushing = false;
      if (parts.stopped()) return;
      snapshots(false);
      if (dirty.size > 0) flushSoon();
    });
  };

  const saveCheckpoint = async () => {
    if (isLost) return;
    const low = uncovered();
    const { seq, at } = low === null ? parts.last() : { seq: low.seq - 1, at: low.at };
    const stored = progress.checkpoint;
    const orders = parts.mayRepeat() ? 0 : marks.passed(seq, world.clock.now(), world.keeping.orderNameMs);
    const isNew = seq > (stored?.seq ?? 0) || progress.changed || orders > (stored?.orders ?? 0);
    if (isNew) await progress.save({ seq, at, orders: Math.max(orders, stored?.orders ?? 0) });
  };
  let checkpointing = false;
  const checkpointSoon = () => {
    if (checkpointing || parts.stopped()) return;
    checkpointing = true;
    world.clock.later(limits.checkpointEveryMs, () => {
      if (parts.stopped()) return;
      saveCheckpoint()
        .catch((error: unknown) => {
          isLost ||= error instanceof Overtaken;
          if (error instanceof Overtaken) parts.overtaken(number, error);
          else world.log.warn({ err: error, partition: number }, 'the checkpoint is not stored yet');
        })
        .finally(() => {
          checkpointing = false;
          if (parts.last().seq > (progress.checkpoint?.seq ?? 0)) checkpointSoon();
        });
    });
  };

  /** The first event that would be lost with this process; nothing below it is needed any more. */
  const uncovered = (): Mark | null => {
    let low: Mark | null = parts.waiting();
    for (const actor of dirty) low = earlier(low, uncoveredFrom(actor));
    for (const actor of writing) low = earlier(low, uncoveredFrom(actor));
    return low;
  };

  return {
    touch,
    all: () => snapshots(true),
    save: saveCheckpoint,
    saveSoon: checkpointSoon,
    ordersUpTo: (order) => {
      marks.sample({ event: parts.last().seq, order, at: world.clock.now() });
      checkpointSoon();
    },
    idle: () => isLost || (dirty.size === 0 && writing.size === 0),
  };
};

const snapshotRetryMs = 2_000;
