// A request door: what it is called, what it takes, what it does. One entry in a list here adds one.
import type { Broker } from '../broker.ts';
import type { Admit } from '../doors/admit.ts';
import type { Everywhere } from '../lists/everywhere.ts';
import type { Tasks } from '../tasks.ts';
import type { World } from '../world.ts';

export interface ApiContext {
  readonly world: World;
  readonly tasks: Tasks;
  readonly lists: Everywhere;
  readonly broker: Broker;
  readonly admit: Admit;
}

export interface Endpoint {
  readonly noun: string;
  readonly verb: string;
  /** `question` is the same where the same question was put again, since its answer was lost; not everybody says one. */
  run(context: ApiContext, data: Uint8Array, question?: string): Promise<unknown>;
}

export const endpoint = (noun: string, verb: string, run: Endpoint['run']): Endpoint => ({ noun, verb, run });

/** A page of a list: everything after the cursor, which names the last entry of the page before. */
export const pageOf = <T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  asked: { limit?: number | undefined; cursor?: string | undefined },
): { items: T[]; cursor: string | null } => {
  const from = asked.cursor === undefined ? 0 : all.findIndex((item) => keyOf(item) === asked.cursor) + 1;
  const items = all.slice(from, from + (asked.limit ?? 100));
  const last = items[items.length - 1];
  return { items, cursor: last !== undefined && from + items.length < all.length ? keyOf(last) : null };
};
