// Snapshots of actors, beside those of tasks: all that a partition has are loaded when it is opened.
import { type Entry, isBusError, partitionOf, textOf } from '@capstan/bus';
import { actorKindOf, type ActorKindName } from '@capstan/contracts';
import { firstRules } from '@capstan/engine';
import { newerRules } from '../ahead.ts';
import { Refusal } from '../doors/refusal.ts';
import { Overtaken } from '../overtaken.ts';
import type { World } from '../world.ts';

export interface StoredActor {
  readonly id: string;
  readonly seq: number;
  readonly at: number;
  /** Whoever knows only older ones can't tell what the state means. */
  readonly rules: number;
  readonly state: unknown;
}

const keyOf = (partition: number, id: string): string => `_actor.${actorKindOf(id)}.${partition}.${id}`;

/** Those of a partition, or of a kind everywhere. */
export const loadActors = async (
  world: World,
  which: { readonly partition?: number; readonly kind?: ActorKindName },
): Promise<(StoredActor & { readonly revision: number })[]> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const keys = await store.keys(`_actor.${which.kind ?? '*'}.${which.partition ?? '*'}.*`);
  const entries = await Promise.all(keys.map((key) => store.get(key)));
  return entries.flatMap((entry) =>
    entry === null || entry.gone ? [] : [{ ...stored(entry), revision: entry.revision }],
  );
};

const stored = (entry: Entry): StoredActor => ({
  rules: firstRules,
  ...(JSON.parse(textOf(entry.data)) as Omit<StoredActor, 'rules'>),
});

/** Throws where one is for a newer coordinator: then nothing can be said of it here. */
export const mustBeReadable = <T extends StoredActor>(world: World, actors: readonly T[]): readonly T[] => {
  const newer = actors.find(({ rules }) => rules > world.rules);
  if (newer === undefined) return actors;
  throw new Refusal(
    'unavailable',
    `Nobody is here who can tell: ${newerRules(world, newer.id, newer.rules).message}.`,
    {
      hint: 'Ask again while a coordinator of the newer version is there.',
    },
  );
};

/** One of them, as it was stored last; null where there is none. */
export const loadActor = async (world: World, id: string): Promise<StoredActor | null> => {
  const entry = await world.bus.store(world.names.buckets.tasks).get(keyOf(partitionOf(id, world.partitions), id));
  return entry === null || entry.gone ? null : stored(entry);
};

/** Resolves once the snapshot of an actor covers an event, so that whoever said it sees what came of it; or after a while, should nobody own it. */
export const covers = async (world: World, id: string, seq: number): Promise<void> => {
  for (let left = coverLooks; left > 0; left -= 1) {
    if (((await loadActor(world, id))?.seq ?? 0) >= seq) return;
    await new Promise<void>((resolve) => void world.clock.later(coverEveryMs, resolve));
  }
};

const coverEveryMs = 25;
const coverLooks = 80;

/** Resolves to the new revision; throws `Overtaken` where somebody else wrote since. */
export const storeActor = async (
  world: World,
  partition: number,
  actor: StoredActor,
  revision: number,
): Promise<number> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const key = keyOf(partition, actor.id);
  const { id, seq, at, rules, state } = actor;
  const data = JSON.stringify({ v: 1, id, seq, at, rules, state });
  try {
    return await store.set({ key, data, expect: revision });
  } catch (error) {
    if (!isBusError(error, 'conflict')) throw error;
    const entry = await store.get(key);
    // Perhaps our own write, whose answer was lost.
    if (entry !== null && textOf(entry.data) === data) return entry.revision;
    throw new Overtaken(`somebody else wrote ${key}`, { cause: error });
  }
};
