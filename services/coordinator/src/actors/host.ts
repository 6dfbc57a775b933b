// The actors of one partition: heard, decided, stored. The same straight line as for tasks, but all of them are in memory, since they are few.
import { decodeTrusted } from '@capstan/bus';
import { actorKindOf, type Json } from '@capstan/contracts';
import { type ActorEvent, type ActorKind, actorRules, actorsByKind, firstRules } from '@capstan/engine';
import { earlier, type Mark } from '../actor.ts';
import { type Ahead, newerRules } from '../ahead.ts';
import { type Heard, isGenuine } from '../hear.ts';
import { Overtaken } from '../overtaken.ts';
import type { World } from '../world.ts';
import type { ActorPerformer } from './perform.ts';
import { loadActors, storeActor } from './store.ts';

export interface ActorHost {
  hear(heard: Heard): void;
  /** The last event that one of them has decided on. */
  decidedUpTo(id: string): number;
  /** The first event that would be lost with this process. */
  uncovered(): Mark | null;
  /** Resolves once everything that may be stored is. */
  settle(): Promise<void>;
  stop(): void;
}

export interface Hosted {
  readonly id: string;
  readonly kind: ActorKind<unknown>;
  state: unknown;
  seq: number;
  at: number;
  rules: number;
  revision: number;
  dirtyFrom: Mark | null;
  writing: Promise<void> | null;
  writingFrom: Mark | null;
  /** Durable effects that are not stored yet: a snapshot waits for them. */
  unsaid: number;
}

export interface HostParts {
  readonly world: World;
  readonly actors: ActorPerformer;
  readonly ahead: Ahead;
  overtaken(error: Error): void;
  /** Its rules failed on an event: it is as it was before, and is to hear nothing more until somebody looks. */
  failed(heard: Heard, error: unknown): void;
}

const snapshotAfterMs = 50;
const againMs = 2_000;

export const openActors = async (
  { world, actors, ahead, overtaken, failed }: HostParts,
  partition: number,
): Promise<ActorHost> => {
  const hosted = new Map<string, Hosted>();
  let stopped = false;
  /** Somebody else wrote here: nothing more may be stored, and there is nothing left to wait for. */
  let isLost = false;

  const fresh = (id: string): Hosted | null => {
    const name = actorKindOf(id);
    const kind = name === null ? undefined : actorsByKind[name];
    if (kind === undefined) return null;
    const dirty = { dirtyFrom: null, writing: null, writingFrom: null, unsaid: 0 };
    return { id, kind, state: kind.begin, seq: 0, at: 0, rules: firstRules, revision: 0, ...dirty };
  };

  const write = async (actor: Hosted): Promise<void> => {
    actor.writingFrom = actor.dirtyFrom;
    actor.dirtyFrom = null;
    try {
      actor.revision = await storeActor(world, partition, actor, actor.revision);
      actor.writingFrom = null;
    } catch (error) {
      // What was to be covered is not: the checkpoint stays below it.
      actor.dirtyFrom = earlier(actor.writingFrom, actor.dirtyFrom);
      actor.writingFrom = null;
      if (stopped) return;
      if (error instanceof Overtaken) {
        isLost = true;
        overtaken(error);
      } else {
        world.log.warn({ err: error, actor: actor.id }, 'the snapshot of an actor is not stored yet');
        world.clock.later(againMs, () => flush(actor));
      }
    }
  };
  const flush = (actor: Hosted): void => {
    if (stopped || isLost || actor.dirtyFrom === null || actor.writing !== null) return;
    if (actor.unsaid > 0) {
      world.clock.later(snapshotAfterMs, () => flush(actor));
      return;
    }
    const writing = write(actor).finally(() => {
      actor.writing = null;
      if (actor.dirtyFrom !== null) world.clock.later(snapshotAfterMs, () => flush(actor));
    });
    actor.writing = writing;
  };

  const touch = (actor: Hosted, mark: Mark) => {
    if (actor.dirtyFrom === null) {
      actor.dirtyFrom = { seq: mark.seq, at: mark.at };
      world.clock.later(snapshotAfterMs, () => flush(actor));
    }
  };

  const decide = (actor: Hosted, event: ActorEvent, heard: Heard) => {
    const before = { state: actor.state, seq: actor.seq, at: actor.at, rules: actor.rules };
    try {
      const { state, effects, ignored } = actor.kind.decide(actor.state, event);
      actor.state = state;
      actor.seq = event.seq;
      actor.at = event.at;
      actor.rules = event.rules;
      if (ignored !== null)
        world.log.info({ actor: actor.id, kind: event.kind, seq: event.seq }, `changed nothing: ${ignored}`);
      actors.perform(actor, effects);
    } catch (error) {
      Object.assign(actor, before);
      failed(heard, error);
    }
  };

  for (const { id, seq, at, rules, state, revision } of await loadActors(world, { partition })) {
    const actor = fresh(id);
    if (actor === null) continue;
    if (rules > world.rules) {
      ahead.leave(id, newerRules(world, id, rules));
      continue;
    }
    Object.assign(actor, { seq, at, rules, state, revision });
    hosted.set(id, actor);
    actors.perform(actor, actor.kind.standing(state));
  }

  return {
    hear: (heard) => {
      const { message, task: id } = heard;
      const actor = hosted.get(id) ?? fresh(id);
      if (actor === null) return;
      // Covered by the snapshot that it was loaded from. Both must say so: after a power cut the log may count anew.
      if (message.seq <= actor.seq && message.at <= actor.at) return;
      const event = eventOf(world, heard, actor.rules);
      if (event === null) {
        world.counts.forged += 1;
        world.log.warn({ actor: id, kind: heard.kind, seq: message.seq }, 'an event whose token is wrong was dropped');
        return;
      }
      if (ahead.meets(heard, event.rules)) return actors.forget(actor);
      world.counts.events += 1;
      hosted.set(id, actor);
      touch(actor, message);
      decide(actor, event, heard);
    },
    decidedUpTo: (id) => hosted.get(id)?.seq ?? 0,
    uncovered: () => {
      let low: Mark | null = null;
      for (const { dirtyFrom, writingFrom } of hosted.values()) low = earlier(low, earlier(dirtyFrom, writingFrom));
      return low;
    },
    settle: async () => {
      while (!stopped && !isLost) {
        const open = [...hosted.values()].filter(({ dirtyFrom, writing }) => dirtyFrom !== null || writing !== null);
        for (const actor of open) flush(actor);
        await Promise.all(open.flatMap(({ writing }) => (writing === null ? [] : [writing])));
        if (open.every(({ dirtyFrom, writing }) => dirtyFrom === null && writing === null)) return;
        // Something is still to be said first, or could not be stored just now.
        await new Promise<void>((resolve) => void world.clock.later(snapshotAfterMs, resolve));
      }
    },
    stop: () => {
      stopped = true;
      for (const actor of hosted.values()) actors.forget(actor);
    },
  };
};

/** Null where whoever said it had no key of ours. */
const eventOf = (world: World, heard: Heard, rules: number): ActorEvent | null => {
  const body = bodyOf(heard);
  const key = body?.['key'];
  if (body === null || typeof key !== 'string' || !isGenuine(world, heard, key)) return null;
  const { seq, at } = heard.message;
  return { id: heard.task, seq, at, kind: heard.kind, name: heard.name, body, rules: actorRules(rules, body) };
};

const bodyOf = ({ message }: Heard): Readonly<Record<string, Json>> | null => {
  try {
    const value: unknown = decodeTrusted(message.data);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, Json>>) : null;
  } catch {
    return null;
  }
};
