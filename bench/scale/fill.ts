// Makes many open tasks: each waits for a person.
import { inLanes } from '../measure.ts';
import { waitingBody } from '../shapes.ts';
import type { System } from '../system.ts';

const lanes = 256;

/** Adds open tasks until there are so many. */
export const fillTo = async ({ client }: System, ids: string[], count: number): Promise<void> => {
  await inLanes(count - ids.length, lanes, async () => {
    const id = client.newId();
    await client.submit(id, waitingBody);
    ids.push(id);
  });
};

/** So many of them, evenly spread. */
export const sampleOf = (ids: readonly string[], count: number): string[] =>
  ids.filter((_, at) => Math.floor((at * count) / ids.length) !== Math.floor(((at - 1) * count) / ids.length));
