// How the log is read for the partitions that are owned: one reader for all that are up to date, and one of its own for each lot that was gained
// just now, until it has caught up. So a partition that comes from far behind keeps nobody waiting, and nobody reads again what he has read.
import type { Message, Running } from '@capstan/bus';
import type { Mark } from './actor.ts';
import { type Heard, hear } from './hear.ts';
import { askedInAnyTerm } from './say.ts';
import type { World } from './world.ts';

export interface Feeds {
  /** Reads these too, from behind the earliest of the places that they have come to. */
  add(partitions: readonly { readonly number: number; readonly after: number }[]): Promise<void>;
  drop(numbers: readonly number[]): Promise<void>;
  /** Everything of a partition up to here was handed out; null until it has caught up with what was there when it was gained. */
  position(number: number): Mark | null;
  stop(): Promise<void>;
}

export interface FeedsParts {
  readonly on: (heard: Heard) => void;
  /** The log is shorter than it was. */
  readonly onRollback: () => void;
  /** One after the other with everything else that changes who reads what. */
  readonly inTurn: (work: () => Promise<void>) => void;
}

interface Feed {
  readonly numbers: Set<number>;
  /** Where the log ended when it began. */
  readonly target: Mark;
  position: Mark;
  caughtUp: boolean;
  stopped: boolean;
  read: number;
  reader: Running | null;
}

export const newFeeds = (world: World, parts: FeedsParts): Feeds => {
  const { bus, names } = world;
  const log = bus.log(names.streams.events);
  const asked = <T>(ask: () => Promise<T>): Promise<T> => askedInAnyTerm(world, ask);
  const feeds = new Set<Feed>();
  /** How often all were stopped: what set out before may not begin to read after, beside whoever reads then. */
  let stops = 0;

  /** A place with its time, 0 where that is not known any more. */
  const markAt = async (seq: number): Promise<Mark> => ({
    seq,
    at: seq === 0 ? 0 : ((await asked(() => log.at(seq)))?.at ?? 0),
  });

  const open = async (numbers: readonly number[], after: Mark, target: Mark): Promise<void> => {
    const feed: Feed = {
      ...{ numbers: new Set(numbers), target, position: after, caughtUp: after.seq >= target.seq },
      ...{ stopped: false, read: 0, reader: null },
    };
    feeds.add(feed);
    if (feed.caughtUp) world.log.info({ partitions: numbers.length, read: 0, upTo: after.seq }, 'caught up');
    const arrived = () => {
      if (feed.caughtUp || feed.stopped) return;
      feed.caughtUp = true;
      if (feed.position.seq < target.seq) feed.position = target;
      world.log.info({ partitions: feed.numbers.size, read: feed.read, upTo: target.seq }, 'caught up');
      parts.inTurn(merge);
    };
    const reader = await asked(() =>
      log.read({
        subjects:
          numbers.length === world.partitions ? [names.events()] : numbers.map((number) => names.events(number)),
        after: after.seq,
        on: (message: Message) => {
          if (feed.stopped) return;
          feed.read += 1;
          const heard = hear(world, message);
          if (heard !== null && feed.numbers.has(heard.partition)) parts.on(heard);
          feed.position = { seq: message.seq, at: message.at };
          if (message.seq >= target.seq) arrived();
        },
        onIdle: arrived,
        onRollback: parts.onRollback,
      }),
    );
    feed.reader = reader;
    if (feed.stopped) await reader.stop();
  };

  const close = async (feed: Feed): Promise<void> => {
    feed.stopped = true;
    feeds.delete(feed);
    await feed.reader?.stop();
  };

  /** Those that have caught up go on as one. */
  const merge = async (): Promise<void> => {
    const ready = [...feeds].filter((feed) => feed.caughtUp);
    if (ready.length > 1) await reopen(ready);
  };

  const reopen = async (some: readonly Feed[]): Promise<void> => {
    const before = stops;
    await Promise.all(some.map(close));
    if (stops !== before) return;
    const numbers = some.flatMap((feed) => [...feed.numbers]);
    if (numbers.length === 0) return;
    const earliest = some.map(({ position }) => position).reduce((a, b) => (a.seq <= b.seq ? a : b));
    const target = some.every((feed) => feed.caughtUp) ? earliest : (some[0] as Feed).target;
    await open(numbers, earliest, target);
  };

  return {
    add: async (partitions) => {
      if (partitions.length === 0) return;
      const before = stops;
      const { last } = await asked(() => log.info());
      const after = Math.min(...partitions.map((partition) => partition.after));
      const [from, target] = [await markAt(after), await markAt(last)];
      if (stops !== before) return;
      await open(
        partitions.map(({ number }) => number),
        from,
        target,
      );
      await merge();
    },
    drop: async (gone) => {
      for (const feed of [...feeds]) {
        const before = feed.numbers.size;
        for (const number of gone) feed.numbers.delete(number);
        if (feed.numbers.size < before) await reopen([feed]);
      }
    },
    position: (number) => {
      for (const feed of feeds) if (feed.numbers.has(number)) return feed.caughtUp ? feed.position : null;
      return null;
    },
    stop: async () => {
      stops += 1;
      await Promise.all([...feeds].map(close));
    },
  };
};
