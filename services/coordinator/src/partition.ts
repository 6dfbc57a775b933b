// One partition: its tasks, from event to order to snapshot. The straight line is: read → load → decide → effects → snapshot → checkpoint.
import { isBusError, partitionOf, PassingMap } from '@capstan/bus';
import { actorKindOf, type Effect } from '@capstan/contracts';
import { decide, taskEnded } from '@capstan/engine';
import { type Actor, earlier, type Mark, newActor, uncoveredFrom } from './actor.ts';
import { newAhead, NewerRules } from './ahead.ts';
import { openActors } from './actors/host.ts';
import { readmitActor } from './actors/readmit.ts';
import { newArchiving } from './archive/archiving.ts';
import { newArrivals } from './arrivals.ts';
import { openCaution } from './caution.ts';
import { loadProgress } from './checkpoint.ts';
import { eventFrom, type Heard, isGenuine, submittedFrom } from './hear.ts';
import { listedAsk } from './lists/listed.ts';
import { listAgain } from './lists/lists.ts';
import { Overtaken } from './overtaken.ts';
import { newOwing } from './owing.ts';
import type { Partition, PartitionParts } from './owned.ts';
import { openQuarantines } from './quarantine.ts';
import { newReadmission } from './readmission.ts';
import type { SubmittedEvent } from './references.ts';
import { letRest } from './resting.ts';
import { askedInAnyTerm } from './say.ts';
import { loadActor, type Loaded, standsOf } from './snapshots.ts';
import { newStoring } from './storing.ts';
import { burialOf } from './unheard.ts';
import { newWaiting } from './waiting.ts';

export const openPartition = async (parts: PartitionParts, number: number): Promise<Partition> => {
  const { world, references, performer, alarms } = parts;
  const ahead = newAhead(world, number);
  const owing = newOwing(parts.knownUpTo, (actor) => actors.get(actor.id) === actor);
  // Whatever else is read must not be older than the checkpoint: what that has passed is not heard again.
  const progress = await loadProgress(world, number);
  const overtaken = (error: Error) => parts.overtaken(number, error);
  const failed = (heard: Heard, error: unknown) => setAside(heard, error);
  const [others, quarantines] = await Promise.all([
    openActors({ world, actors: parts.actors, ahead, overtaken, failed }, number),
    openQuarantines(world, number),
  ]);
  const actors = new PassingMap<string, Actor>();
  let last: Mark = progress.checkpoint ?? { seq: 0, at: 0 };
  let stopped = false;
  /** Tasks of which something was heard although they are archived. */
  const archived = new Set<string>();

  const arrivals = newArrivals({
    stopped: () => stopped,
    apply: (heard) => apply(heard, actors.get(heard.task) ?? null),
    take: (heard) => take(heard),
    here: (task) => {
      const arrived = actors.get(task) ?? null;
      release(task);
      settled();
      return arrived;
    },
    fatal: world.fatal,
  });

  const storing = newStoring({
    world,
    number,
    progress,
    last: () => last,
    waiting: () => [caution.uncovered(), others.uncovered(), ahead.uncovered()].reduce(earlier, arrivals.uncovered()),
    stopped: () => stopped,
    mayRepeat: owing.any,
    overtaken: parts.overtaken,
    tooLarge: (actor, error) => {
      letGo(actor);
      void arrivals.begin(actor.id, uncoveredFrom(actor), () => quarantines.put(actor.id, null, error));
    },
    written: (task) => {
      release(task);
      settled();
    },
  });

  const load = (task: string): Promise<Actor | null> =>
    arrivals.of(task) ??
    arrivals.begin(task, null, async () => {
      const loaded = await loadedOrSetAside(task);
      // Where the checkpoint has passed it, it is on the lists.
      if (loaded !== null && loaded.actor.state.seq > (progress.checkpoint?.seq ?? 0))
        await listAgain(world, progress.lists, loaded.actor);
      if (loaded === null || stopped) return;
      const { actor } = loaded;
      // Its last owner may have stored the snapshot, and not the list of what is open.
      progress.covered(actor, actor.state, loaded.owes);
      if (!loaded.owes) parts.turnstile.loaded(actor);
      keep(actor, standsOf(loaded));
    });

  /** Null where there is no such task, and where what is stored of it can't be read: then it stands still, and all others go on. */
  const loadedOrSetAside = async (task: string): Promise<Loaded | null> => {
    if (quarantines.of(task) !== null) return null;
    try {
      const loaded = await loadActor(world, references, task);
      // Not as it was a while ago: its beginning may come next.
      if (loaded === null) await unlessArchived(task, async () => {});
      return loaded;
    } catch (error) {
      if (isBusError(error) && error.code !== 'corrupt') throw error;
      if (error instanceof NewerRules) ahead.leave(task, error);
      else await unlessArchived(task, () => quarantines.put(task, null, error));
      return null;
    }
  };

  const isArchived = (task: string): void => {
    archived.add(task);
    progress.gone(task);
  };

  /** Who was out of touch may find that what belongs to a task is gone, since the task has ended and is archived. */
  const unlessArchived = async (task: string, act: () => Promise<void>): Promise<void> => {
    if (await askedInAnyTerm(world, () => world.archive.holds(task, 0))) isArchived(task);
    else await act();
  };

  /** On the list of open tasks, and not in the log: nothing can be decided on it, and it must not vanish unseen. */
  const setAsideLost = (task: string): void => {
    if (stopped || archived.has(task) || quarantines.of(task) !== null || ahead.has(task)) return;
    const error = new Error('the log has no beginning of it: it was rolled back to before the task was submitted');
    void arrivals.begin(task, null, () => quarantines.put(task, null, error));
  };

  /** Its state is as it was, and stands still until somebody looks. The checkpoint waits until that is stored; all other tasks go on. */
  const setAside = (heard: Heard, error: unknown): void => {
    const actor = actors.get(heard.task);
    if (actor !== undefined) performer.forget(actor);
    void arrivals.begin(heard.task, heard.message, () => quarantines.put(heard.task, heard, error));
  };

  const keep = (actor: Actor, effects: readonly Effect[]) => {
    if (actor.dirtyFrom === null) actor.dirtySince = world.clock.now();
    actors.set(actor.id, actor);
    perform(actor, effects);
  };

  const perform = (actor: Actor, effects: readonly Effect[]) => {
    for (const effect of effects) if (effect.kind === 'ask') progress.lists.asked.put(listedAsk(effect.intervention));
    performer.perform(actor, effects);
    owing.look(actor);
  };

  const letGo = (actor: Actor) => {
    actors.delete(actor.id);
    performer.forget(actor);
  };

  /** A task that has ended, or stands still, and is stored, need not be in memory. */
  const release = (task: string) => {
    const actor = actors.get(task);
    if (actor === undefined || uncoveredFrom(actor) !== null || actor.unsaid > 0) return;
    const isOver = taskEnded(actor.state.status) && actor.state.errands === 0;
    if (isOver || quarantines.of(task) !== null) letGo(actor);
  };

  const begin = (heard: Heard) => {
    const body = submittedFrom(world, heard);
    if (body === null) {
      forged(heard);
      return;
    }
    if (ahead.meets(heard, body.rules)) return;
    const start = (event: SubmittedEvent) => {
      const decision = attempt(heard, () => decide(null, event));
      if (decision === null || decision.state === null) return;
      const { state, effects } = decision;
      world.counts.events += 1;
      const actor = newActor(heard.task, { body, first: heard.message.seq }, state);
      storing.touch(actor, heard.message);
      keep(actor, effects);
    };
    const event = references.resolve(heard, body);
    if (!(event instanceof Promise)) return start(event);
    void arrivals.begin(heard.task, heard.message, async () => {
      try {
        start(await event);
      } catch (error) {
        if (isBusError(error) && error.code !== 'corrupt') throw error;
        await unlessArchived(heard.task, () => quarantines.put(heard.task, heard, error));
      }
    });
  };

  /** What the engine says, or null where it fails. */
  const attempt = <T>(heard: Heard, act: () => T): T | null => {
    try {
      return act();
    } catch (error) {
      setAside(heard, error);
      return null;
    }
  };

  const forged = (heard: Heard) => {
    world.counts.forged += 1;
    world.log.warn(
      { task: heard.task, kind: heard.kind, seq: heard.message.seq },
      'an event whose token or partition is wrong was dropped',
    );
  };

  const apply = (heard: Heard, actor: Actor | null) => {
    const { message } = heard;
    if (quarantines.stops(heard) || ahead.stops(heard)) return;
    if (actor === null && actorKindOf(heard.task) !== null) return others.hear(heard);
    if (actor === null) {
      // The log still has its events, and what they led to is over: its beginning must not begin it anew.
      if (archived.has(heard.task)) return;
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
    if (!isGenuine(world, heard, actor.key)) return forged(heard);
    step(actor, heard);
  };

  const step = (actor: Actor, heard: Heard) => {
    const { message } = heard;
    world.counts.events += 1;
    if (heard.kind === 'submitted') return;
    const event = attempt(heard, () => eventFrom(world, heard));
    if (event === null) return;
    if (typeof event === 'string') {
      put(actor, heard, event);
      return;
    }
    if (event.kind === 'report') parts.turnstile.reported(actor.state, event);
    const decision = attempt(heard, () => decide(actor.state, event));
    if (decision === null || decision.state === null) return;
    const { state, effects, ignored } = decision;
    actor.state = state;
    storing.touch(actor, message);
    if (ignored !== null) {
      world.counts.ignored += 1;
      world.log.info({ task: actor.id, kind: heard.kind, seq: message.seq }, `changed nothing: ${ignored}`);
    }
    parts.turnstile.decided(actor);
    perform(actor, effects);
  };

  /** Until it is stored the checkpoint stays below it: after a crash it is heard, and put aside, again. */
  const put = (actor: Actor, heard: Heard, error: string) => {
    storing.touch(actor, heard.message);
    performer.bury(actor, burialOf(world, heard, error));
  };

  const isHere = () => arrivals.size === 0 && caution.uncovered() === null;
  const waiting = newWaiting({
    reached: (seq) => seq <= last.seq && isHere(),
    quiet: () => storing.idle() && isHere(),
  });
  const settled = () => waiting.look();

  const take = (heard: Heard): void => {
    if (arrivals.hold(heard) || quarantines.stops(heard) || ahead.stops(heard)) return;
    const actor = actors.get(heard.task) ?? null;
    // A copy of somebody else's task would take away what the true one waits for.
    if (actor === null && partitionOf(heard.task, world.partitions) !== number) return forged(heard);
    if (actor === null && actorKindOf(heard.task) !== null) return others.hear(heard);
    const isNew = heard.kind === 'submitted' && heard.message.seq > parts.knownUpTo && !progress.open.has(heard.task);
    if (actor === null && !isNew) {
      void load(heard.task);
      arrivals.hold(heard);
    } else apply(heard, actor);
  };
  const caution = await openCaution(world, number, {
    checkpoint: progress.checkpoint?.seq ?? 0,
    isStart: parts.isStart,
    deliver: async (heard) => {
      take(heard);
      await arrivals.of(heard.task);
    },
    leaveOut: setAside,
    done: () => settled(),
  });

  const readmission = newReadmission({
    world,
    references,
    quarantines,
    progress,
    stopped: () => stopped,
    keep,
    touch: storing.touch,
  });

  const archiving = newArchiving({
    world,
    number,
    progress,
    arrivals,
    stopped: () => stopped,
    isNeeded: (task) => actors.has(task) || arrivals.of(task) !== null || quarantines.of(task) !== null,
  });

  /** An event may have brought it up before; a second copy of a task would not know what the first has decided since. */
  const wakeUp = (task: string) => {
    if (!actors.has(task) && quarantines.of(task) === null) void load(task);
  };
  // Tasks that wait for a time or for a queue and for nothing else: no event will bring them up.
  const wakeAt = (task: string, due: number | null) => {
    if (due !== null) alarms.set(task, 'load', due, () => wakeUp(task));
  };
  for (const [task, { due, routing }] of progress.open) {
    if (routing || parts.turnstile.counts) wakeUp(task);
    else wakeAt(task, due);
  }
  const endResting = letRest({
    world,
    actors,
    progress,
    // Of what rests nobody would know that it still uses up a quota.
    isNeeded: (task) => arrivals.of(task) !== null || parts.turnstile.countsOf(task),
    rest: (actor, due) => {
      letGo(actor);
      wakeAt(actor.id, due);
    },
  });

  return {
    number,
    get after() {
      return last.seq;
    },
    checkpoint: progress.checkpoint,
    lists: progress.lists,
    get size() {
      return actors.size;
    },
    get open() {
      return progress.open.size;
    },
    hear: (heard) => {
      const { message } = heard;
      last = { seq: message.seq, at: Math.max(last.at, message.at) };
      storing.saveSoon();
      if (!caution.takes(heard)) take(heard);
      settled();
    },
    read: async (task) => {
      // Perhaps it was only looked at, and is neither here nor gone.
      await arrivals.of(task);
      const actor = quarantines.of(task) === null ? (actors.get(task) ?? (await load(task))) : null;
      if (actor !== null || (quarantines.of(task) === null && !ahead.has(task))) return actor?.state ?? null;
      return (await loadActor(world, references, task))?.actor.state ?? null;
    },
    settle: async () => {
      storing.all();
      await Promise.all([waiting.quiet(), others.settle()]);
      await storing.save();
    },
    reached: waiting.reached,
    passed: (position, order) => {
      // A partition in which nothing happens need not be read again from where something did.
      // Without its time a place says nothing: whoever starts there could not tell a log that was rolled back.
      if (position.seq > last.seq && position.at > 0) last = { seq: position.seq, at: Math.max(last.at, position.at) };
      storing.ordersUpTo(order);
    },
    quarantineOf: quarantines.of,
    readmit: async (task, wish) => {
      await arrivals.of(task);
      if (actorKindOf(task) !== null) return readmitActor({ world, arrivals, quarantines, others }, task, wish);
      // What it decided before is still to be stored: its snapshot would be written over by what is loaded now.
      if (actors.has(task)) return quarantines.of(task);
      await arrivals.begin(task, null, async () => (actors.has(task) ? [] : readmission(task, wish)));
      await arrivals.of(task);
      return quarantines.of(task);
    },
    archive: async () => {
      try {
        return await archiving();
      } catch (error) {
        if (error instanceof Overtaken) parts.overtaken(number, error);
        throw error;
      }
    },
    rewind: (seq) => {
      last = { seq, at: 0 };
      progress.checkpoint = last;
      for (const task of progress.open.keys()) void load(task).then((actor) => actor === null && setAsideLost(task));
    },
    stop: () => {
      stopped = true;
      endResting();
      others.stop();
      for (const actor of actors.values()) performer.forget(actor);
      for (const task of progress.open.keys()) alarms.clear(task, 'load');
    },
  };
};
