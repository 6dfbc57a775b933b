// The batches of one partition's archive, the oldest first, and how far what belongs to them is swept away.
import { type Change, textOf } from '@capstan/bus';
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

/** A batch that is about to be put, or was put by somebody who died before he could name it. */
export interface Writing {
  readonly name: string;
  readonly at: number;
}

export interface ArchiveHead {
  readonly head: { readonly batches: readonly Batch[]; readonly writing: readonly Writing[] };
  /** 0 where there is none. */
  readonly revision: number;
}

interface Stored {
  readonly v: 1;
  readonly batches: readonly Batch[];
  readonly writing?: readonly Writing[];
}

export const headOf = async (world: World, partition: number): Promise<ArchiveHead> => {
  const entry = await world.bus.store(world.names.buckets.tasks).get(world.names.archive(partition));
  if (entry === null || entry.gone) return { head: { batches: [], writing: [] }, revision: entry?.revision ?? 0 };
  const { batches, writing = [] } = JSON.parse(textOf(entry.data)) as Stored;
  return { head: { batches, writing }, revision: entry.revision };
};

/** Over the one that was read. */
export const headChange = (world: World, partition: number, { head, revision }: ArchiveHead): Change => {
  const { batches, writing } = head;
  const data = JSON.stringify({ v: 1, batches, ...(writing.length === 0 ? {} : { writing }) } satisfies Stored);
  return { key: world.names.archive(partition), data, expect: revision };
};
