// One partition: its tasks, from event to order to snapshot. The straight line is: read → load → decide → effects → snapshot → checkpoint.
import { corpseOf } from './doors/corpse.ts';
import { actorKindOf, type Effect, limits } from '@capstan/contracts';
import { decide, owedOrders, rulesVersion, standing, taskEnded, type TaskState } from '@capstan/engine';
import { type Actor, earlier, type Mark, newActor, uncoveredFrom } from './actor.ts';
import { openActors } from './actors/host.ts';
import type { ActorPerformer } from './actors/perform.ts';
import type { Alarms } from './alarms.ts';
import { newArrivals } from './arrivals.ts';
import { type Checkpoint, loadProgress } from './checkpoint.ts';
import { eventFrom, type Heard, isGenuine, submittedFrom } from './hear.ts';
import { Overtaken } from './overtaken.ts';
import type { Performer } from './perform.ts';
import type { References, SubmittedEvent } from './references.ts';
import { loadActor, writeSnapshot } from './snapshots.ts';
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
  stop(): void;
  /** Reads from further back than the checkpoint: what is covered is skipped. */
  rewind(seq: number): void;
  readonly size: number;
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
  /** Somebody else wrote a snapshot: what is in memory here counts for nothing any more. */
  overtaken(partition: number, error: Error): void;
}

export const openPartition = async (parts: PartitionParts, number: number): Promise<Partition> => {
  const { world, references, performer, alarms } = parts;
  const [progress, others] = await Promise.all([
    loadProgress(world, number),
    openActors({ world, actors: parts.actors, overtaken: (error) => parts.overtaken(number, error) }, number),
  ]);
  const actors = new Map<string, Actor>();
  const dirty = new Set<Actor>();
  const writing = new Set<Actor>();
  const quarantined = new Set<string>();
  let last: Mark = progress.checkpoint ?? { seq: 0, at: 0 };
  let stopped = false;
  /** Somebody else wrote here: nothing more may be stored, and there is nothing left to wait for. */
  let isLost = false;

  const arrivals = newArrivals({
    stopped: () => stopped,
    apply: (heard) => apply(heard, actors.get(heard.task) ?? null),
    here: (task) => {
      const arrived = actors.get(task) ?? null;
      release(task);
      settled();
      return arrived;
    },
    fatal: world.fatal,
  });

  const load = (task: string): Promise<Actor | null> =>
    arrivals.of(task) ??
    arrivals.begin(task, null, async () => {
      const loaded = await loadActor(world, references, task);
      if (loaded === null || stopped) return;
      const { actor, owes } = loaded;
      // Its last owner may have stored the snapshot, and not the list of what is open.
      progress.covered(task, actor.state);
      keep(actor, owes ? [...standing(actor.state), ...owedOrders(actor.state)] : standing(actor.state));
    });

  const keep = (actor: Actor, effects: readonly Effect[]) => {
    actors.set(actor.id, actor);
    performer.perform(actor, effects);
  };

  /** A task that has ended, and is stored, need not be in memory. */
  const release = (task: string) => {
    const actor = actors.get(task);
    if (
      actor === undefined ||
      !taskEnded(actor.state.status) ||
      actor.state.errands > 0 ||
      uncoveredFrom(actor) !== null ||
      actor.unsaid > 0
    )
      return;
    actors.delete(task);
    performer.forget(actor);
  };

  const begin = (heard: Heard) => {
    const body = submittedFrom(world, heard);
    if (body === null) {
      forged(heard);
      return;
    }
    if (body.rules > rulesVersion)
      throw new Error(
        `task ${heard.task} was submitted under rules ${body.rules}; this coordinator knows ${rulesVersion}`,
      );
    const start = (event: SubmittedEvent) => {
      const { state, effects } = decide(null, event);
      if (state === null) return;
      world.counts.events += 1;
      const actor = newActor(heard.task, body, state);
      touch(actor, heard.message);
      keep(actor, effects);
    };
    const event = references.resolve(heard, body);
    if (event instanceof Promise) void arrivals.begin(heard.task, heard.message, async () => start(await event));
    else start(event);
  };

  const forged = (heard: Heard) => {
    world.counts.forged += 1;
    world.log.warn(
      { task: heard.task, kind: heard.kind, seq: heard.message.seq },
      'an event whose token is wrong was dropped',
    );
  };

  const touch = (actor: Actor, mark: Mark) => {
    if (actor.dirtyFrom === null) {
      actor.dirtyFrom = { seq: mark.seq, at: mark.at };
      actor.dirtySince = world.clock.now();
    }
    dirty.add(actor);
    flushSoon();
  };

  const apply = (heard: Heard, actor: Actor | null) => {
    const { message } = heard;
    if (actor === null) {
      if (heard.kind === 'submitted') return begin(heard);
      world.counts.orphaned += 1;
      world.log.warn(
        { task: heard.task, kind: heard.kind, seq: message.seq },
        'an event of a task that does not exist was dropped',
      );
      return;
    }
    // Covered by the snapshot that it was loaded from. Both must say so: after a power cut the log may count anew.
    if (message.seq <= actor.state.seq && message.at <= actor.state.at) return;
    if (quarantined.has(actor.id)) return;
    if (!isGenuine(world, heard, actor.key)) return forged(heard);
    step(actor, heard);
  };

  const step = (actor: Actor, heard: Heard) => {
    const { message } = heard;
    world.counts.events += 1;
    if (heard.kind === 'submitted') return;
    const event = eventFrom(world, heard);
    if (typeof event === 'string') {
      put(
        actor,
        heard,
        'invalid',
        event,
        'Mend the agent that sent it; its attempt counts as lost when its time is over.',
      );
      return;
    }
    if (event.kind === 'report') parts.turnstile.reported(actor.state, event.queue, event.step, event.report);
    try {
      const { state, effects, ignored } = decide(actor.state, event);
      if (state === null) return;
      actor.state = state;
      touch(actor, message);
      if (ignored !== null) {
        world.counts.ignored += 1;
        world.log.info({ task: actor.id, kind: heard.kind, seq: message.seq }, `changed nothing: ${ignored}`);
      }
      performer.perform(actor, effects);
    } catch (error) {
      // The state is as it was. This task stops here until somebody looks; all others go on.
      quarantined.add(actor.id);
      world.counts.quarantined += 1;
      world.log.error(
        { err: error, task: actor.id, seq: message.seq },
        'the engine failed on this event; the task is quarantined',
      );
      put(actor, heard, 'internal', String(error), 'This is a fault of Capstan: keep this entry and report it.');
    }
  };

  /** Until it is stored the checkpoint stays below it: after a crash it is heard, and put aside, again. */
  const put = (actor: Actor, heard: Heard, reason: 'invalid' | 'internal', error: string, hint: string) => {
    touch(actor, heard.message);
    performer.bury(actor, {
      source: 'coordinator',
      reason,
      error,
      hint,
      attempts: 1,
      task: heard.task,
      at: world.clock.now(),
      message: corpseOf(heard.message, world.names.streams.events),
    });
  };

  const writeOne = (actor: Actor) => {
    dirty.delete(actor);
    writing.add(actor);
    actor.writingFrom = actor.dirtyFrom;
    actor.dirtyFrom = null;
    const { state } = actor;
    writeSnapshot(world, actor)
      .then(
        () => {
          actor.writingFrom = null;
          progress.covered(actor.id, state);
        },
        (error: unknown) => {
          // What was to be covered is not: the checkpoint stays below it.
          actor.dirtyFrom = earlier(actor.writingFrom, actor.dirtyFrom);
          actor.writingFrom = null;
          dirty.add(actor);
          isLost ||= error instanceof Overtaken;
          if (error instanceof Overtaken) return parts.overtaken(number, error);
          world.log.warn({ err: error, task: actor.id }, 'the snapshot is not stored yet');
          actor.retryAt = world.clock.now() + snapshotRetryMs;
          flushSoon();
        },
      )
      .finally(() => {
        writing.delete(actor);
        if (stopped) return;
        release(actor.id);
        settled();
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
    if (flushing || stopped) return;
    flushing = true;
    world.clock.later(limits.endedSnapshotEveryMs, () => {
      flushing = false;
      if (stopped) return;
      snapshots(false);
      if (dirty.size > 0) flushSoon();
    });
  };

  const saveCheckpoint = async () => {
    if (isLost) return;
    const low = uncovered();
    const next = low === null ? last : { seq: low.seq - 1, at: low.at };
    if (next.seq > (progress.checkpoint?.seq ?? 0) || progress.changed) await progress.save(next);
  };
  let checkpointing = false;
  const checkpointSoon = () => {
    if (checkpointing || stopped) return;
    checkpointing = true;
    world.clock.later(limits.checkpointEveryMs, () => {
      if (stopped) return;
      saveCheckpoint()
        .catch((error: unknown) => {
          isLost ||= error instanceof Overtaken;
          if (error instanceof Overtaken) parts.overtaken(number, error);
          else world.log.warn({ err: error, partition: number }, 'the checkpoint is not stored yet');
        })
        .finally(() => {
          checkpointing = false;
          if (last.seq > (progress.checkpoint?.seq ?? 0)) checkpointSoon();
        });
    });
  };

  const reachWaiters: { readonly seq: number; readonly resolve: () => void }[] = [];
  const reached = () => {
    for (let at = reachWaiters.length - 1; at >= 0; at -= 1) {
      const waiter = reachWaiters[at];
      if (waiter !== undefined && waiter.seq <= last.seq && arrivals.size === 0)
        reachWaiters.splice(at, 1)[0]?.resolve();
    }
  };
  const quietWaiters: (() => void)[] = [];
  const isQuiet = () => isLost || (dirty.size === 0 && writing.size === 0 && arrivals.size === 0);
  const quiet = () => (isQuiet() ? Promise.resolve() : new Promise<void>((resolve) => void quietWaiters.push(resolve)));
  const settled = () => {
    reached();
    if (quietWaiters.length > 0 && isQuiet()) for (const waiter of quietWaiters.splice(0)) waiter();
  };

  /** The first event that would be lost with this process; nothing below it is needed any more. */
  const uncovered = (): Mark | null => {
    let low: Mark | null = earlier(arrivals.uncovered(), others.uncovered());
    for (const actor of dirty) low = earlier(low, uncoveredFrom(actor));
    for (const actor of writing) low = earlier(low, uncoveredFrom(actor));
    return low;
  };

  /** An event may have brought it up before; a second copy of a task would not know what the first has decided since. */
  const wakeUp = (task: string) => {
    if (!actors.has(task)) void load(task);
  };
  // Tasks that wait for a time or for a queue and for nothing else: no event will bring them up.
  for (const [task, { due, routing }] of progress.open) {
    if (routing) wakeUp(task);
    else if (due !== null) alarms.set(task, 'load', due, () => wakeUp(task));
  }

  return {
    number,
    get after() {
      return last.seq;
    },
    checkpoint: progress.checkpoint,
    get size() {
      return actors.size;
    },
    hear: (heard) => {
      const { message } = heard;
      last = { seq: message.seq, at: Math.max(last.at, message.at) };
      checkpointSoon();
      const actor = actors.get(heard.task) ?? null;
      if (actor === null && actorKindOf(heard.task) !== null) others.hear(heard);
      else if (!arrivals.hold(heard)) {
        if (actor === null && (heard.kind !== 'submitted' || message.seq <= parts.knownUpTo)) {
          void load(heard.task);
          arrivals.hold(heard);
        } else apply(heard, actor);
      }
      if (reachWaiters.length > 0) reached();
    },
    read: async (task) => (actors.get(task) ?? (await load(task)))?.state ?? null,
    settle: async () => {
      snapshots(true);
      await Promise.all([quiet(), others.settle()]);
      await saveCheckpoint();
    },
    reached: (seq) =>
      seq <= last.seq && arrivals.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => void reachWaiters.push({ seq, resolve })),
    rewind: (seq) => {
      last = { seq, at: 0 };
      progress.checkpoint = last;
    },
    stop: () => {
      stopped = true;
      others.stop();
      for (const actor of actors.values()) performer.forget(actor);
      for (const task of progress.open.keys()) alarms.clear(task, 'load');
    },
  };
};

const snapshotRetryMs = 2_000;
