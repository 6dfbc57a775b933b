// The partitions that this coordinator owns just now, and the one reader that feeds them.
import { limits } from '@capstan/contracts';
import type { Mark } from './actor.ts';
import { newFeeds } from './feeds.ts';
import { newRelisting } from './lists/relist.ts';
import type { Partition, PartitionParts } from './owned.ts';
import { openPartition } from './partition.ts';
import { endBefore } from './rolled-back.ts';
import { askedInAnyTerm } from './say.ts';
import type { World } from './world.ts';

export interface Ownership {
  /** Makes these, and only these, its own. Calls are carried out one after the other; only the newest wish counts. */
  own(partitions: readonly number[]): Promise<void>;
  /** Forgets everything at once, storing nothing: it may be somebody else's by now. */
  drop(): void;
  of(partition: number): Partition | undefined;
  all(): Partition[];
  /** Everything of a partition up to here was heard; null until it has caught up. */
  position(partition: number): Mark | null;
  /** Stops reading, stores everything, checkpoints, lets go. */
  release(): Promise<void>;
}

type Parts = Omit<PartitionParts, 'isStart' | 'knownUpTo' | 'overtaken' | 'world'>;

export const ownership = (world: World, parts: Parts): Ownership => {
  const { bus, names, log } = world;
  const owned = new Map<number, Partition>();
  const overtaken = new Set<number>();
  /** All that this process has ever owned. */
  const opened = new Set<number>();
  let wish: readonly number[] = [];
  let working: Promise<void> = Promise.resolve();
  let released = false;

  const relist = newRelisting(world);
  const feeds = newFeeds(world, {
    on: (heard) => {
      const partition = owned.get(heard.partition);
      if (partition !== undefined && heard.message.seq > partition.after) partition.hear(heard);
    },
    onRollback: () => world.fatal(new Error('the log is shorter than it was; starting again from what is stored')),
    inTurn: (work) => void inTurn(work),
  });

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    working = working.then(async () => {
      if (!released) await work();
    });
    working.catch(world.fatal);
    return working;
  };

  const open = async (number: number) => {
    const { term } = world.membership;
    const events = bus.log(names.streams.events);
    const partition = await askedInAnyTerm(world, async () => {
      const { last: knownUpTo } = await events.info();
      const isStart = !opened.has(number);
      return openPartition({ ...parts, world, knownUpTo, isStart, overtaken: reopen }, number);
    });
    const end = await askedInAnyTerm(world, () => endBefore(events, partition.checkpoint));
    if (end !== null) {
      log.error(
        { partition: number, checkpoint: partition.checkpoint, last: end },
        'the log is not the one that the checkpoint is of: it was rolled back by a power cut or a restore; what it lost is lost, and it is read from its beginning',
      );
      partition.rewind(0);
    }
    opened.add(number);
    relist(number, partition.lists);
    // What was loaded before the silence may be another's by now.
    if (world.membership.term !== term) partition.stop();
    else owned.set(number, partition);
  };

  const close = async (partition: Partition) => {
    const stored = partition
      .settle()
      .catch((error: unknown) =>
        log.warn(
          { err: error, partition: partition.number },
          'not all is stored; its next owner decides a little of it again',
        ),
      );
    await Promise.race([stored, new Promise<void>((resolve) => void world.clock.later(handOverMs, resolve))]);
    partition.stop();
    owned.delete(partition.number);
  };

  const reopen = (number: number, error: Error) => {
    if (overtaken.has(number)) return;
    overtaken.add(number);
    log.warn(
      { err: error, partition: number },
      'somebody else wrote in this partition; reading it again from what is stored',
    );
    void change();
  };

  const change = (): Promise<void> =>
    inTurn(async () => {
      const again = [...overtaken];
      const lost = [...owned.values()].filter((partition) => !wish.includes(partition.number));
      const gained = wish.filter((number) => !owned.has(number) || again.includes(number));
      if (lost.length === 0 && gained.length === 0) return;
      const began = world.clock.now();
      await feeds.drop([...again, ...lost.map((partition) => partition.number)]);
      for (const number of again) {
        owned.get(number)?.stop();
        owned.delete(number);
        overtaken.delete(number);
      }
      await Promise.all(lost.map(close));
      await Promise.all(gained.map(open));
      const tasks = gained.reduce((sum, number) => sum + (owned.get(number)?.open ?? 0), 0);
      log.info(
        { owned: owned.size, gained: gained.length, lost: lost.length, open: tasks, ms: world.clock.now() - began },
        'partitions changed hands',
      );
      await feeds.add(gained.flatMap((number) => owned.get(number) ?? []));
    });

  return {
    own: (partitions) => {
      wish = partitions;
      return change();
    },
    drop: () => {
      for (const partition of owned.values()) partition.stop();
      owned.clear();
      overtaken.clear();
      void feeds.stop().catch(world.fatal);
    },
    of: (partition) => owned.get(partition),
    all: () => [...owned.values()],
    position: feeds.position,
    release: async () => {
      await working;
      released = true;
      await feeds.stop();
      await Promise.all([...owned.values()].map(close));
    },
  };
};

/** How long what is unsaid may take to be stored before a partition is let go all the same. */
const handOverMs = limits.drainMs / 3;
