// The batches of one partition's archive, the oldest first, and how far what belongs to them is swept away.
import { textOf } from '@capstan/bus';
import type { World } from '../world.ts';

export interface Batch {
  readonly name: string;
  readonly tasks: number;
  readonly bytes: number;
  /** When the last of its tasks ended. */
  readonly ended: number;
  /** 1: what was asked is out of the inbox; 2: its artifacts are gone. */
  readonly swept: 0 | 1 | 2;
}

export interface ArchiveHead {
  readonly head: { readonly batches: readonly Batch[] };
  /** 0 where there is none. */
  readonly revision: number;
}

export const headOf = async (world: World, partition: number): Promise<ArchiveHead> => {
  const entry = await world.bus.store(world.names.buckets.tasks).get(world.names.archive(partition));
  if (entry === null || entry.gone) return { head: { batches: [] }, revision: entry?.revision ?? 0 };
  return { head: JSON.parse(textOf(entry.data)) as ArchiveHead['head'], revision: entry.revision };
};
