// A list of all partitions, put together from what each owner says of its own; of a partition between two owners, from what is stored.
import { decodeTrusted, isBusError } from '@capstan/bus';
import { storedLists } from '../checkpoint.ts';
import type { Ownership } from '../ownership.ts';
import type { World } from '../world.ts';
import type { Found } from './list.ts';
import { inOrder, type Listed, type Place, type Query } from './listed.ts';
import type { ListName } from './lists.ts';

export interface ListAsked {
  readonly name: ListName;
  readonly partition: number;
  readonly query: Query;
}

export interface Everywhere {
  find(
    name: ListName,
    query: Query,
  ): Promise<{ readonly some: readonly Listed[]; readonly more: boolean; readonly total: number }>;
  /** What an owner answers; null where it is not one. */
  own(asked: ListAsked): Promise<Found | null>;
}

const lookEveryMs = 25;
const looks = 60;
const arrivalMs = 200;
const askMs = 2_500;

export const everywhere = (world: World, ownership: Ownership): Everywhere => {
  const { bus, names } = world;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void world.clock.later(ms, resolve));

  /** Whoever has just taken over learns from the log what its predecessor had stored and not listed; that takes a moment. */
  const upToDate = async (partition: number): Promise<void> => {
    for (let left = looks; left > 0 && ownership.position(partition) === null; left -= 1) await pause(lookEveryMs);
    await Promise.race([ownership.of(partition)?.reached(0), pause(arrivalMs)]);
  };
  const own = async ({ name, partition, query }: ListAsked): Promise<Found | null> => {
    if (ownership.of(partition) === undefined) return null;
    await upToDate(partition);
    return (await ownership.of(partition)?.lists[name].find(query)) ?? null;
  };

  const one = async (asked: ListAsked): Promise<Found> => {
    const mine = await own(asked);
    if (mine !== null) return mine;
    try {
      const { data } = await bus.ask(names.owner(asked.partition), JSON.stringify({ list: asked }), askMs);
      const { listed } = decodeTrusted(data) as { listed?: Found | null };
      if (listed !== undefined && listed !== null) return listed;
    } catch (error) {
      if (!isBusError(error, 'unavailable')) throw error;
    }
    return (await storedLists(world, asked.partition))[asked.name].find(asked.query);
  };

  return {
    own,
    find: async (name, query) => {
      const all = await Promise.all(
        Array.from({ length: world.partitions }, (_, partition) => one({ name, partition, query })),
      );
      const some = all.flatMap((found) => found.some).toSorted(inOrder(query.rising));
      return {
        some: some.slice(0, query.limit),
        more: some.length > query.limit,
        total: all.reduce((sum, { total }) => sum + total, 0),
      };
    },
  };
};

/** Where a page ended: for whoever asks for the next, a word without meaning. */
export const cursorOf = ({ id, created }: Place): string => `${created}.${id}`;

/** Null for what is no such word. */
export const placeIn = (cursor: string): Place | null => {
  const found = /^(\d{1,15})\.(.{1,128})$/.exec(cursor);
  return found === null ? null : { created: Number(found[1]), id: found[2] as string };
};
