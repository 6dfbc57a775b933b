// A process that died of an event dies of it again. Where a partition was opened several times and its checkpoint never moved, its events are
// tried one at a time, each under a mark that outlives the process: the one that it dies of, time and again, is left out.
import { textOf } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import type { Mark } from './actor.ts';
import type { Heard } from './hear.ts';
import { storedInAnyTerm } from './say.ts';
import type { World } from './world.ts';

export interface Caution {
  /** Takes an event that is to be tried by itself; false for one that needs no caution. */
  takes(heard: Heard): boolean;
  /** The first event that waits for its turn. */
  uncovered(): Mark | null;
}

export interface CautionParts {
  /** The sequence of the stored checkpoint, 0 where there is none. */
  readonly checkpoint: number;
  /** Whether this process opens the partition for the first time; anything else is no start. */
  readonly isStart: boolean;
  /** Resolves once it is decided, its task loaded first where it must be. */
  readonly deliver: (heard: Heard) => Promise<unknown>;
  /** Leaves it out for good. */
  readonly leaveOut: (heard: Heard, error: Error) => void;
  /** Nothing waits any more. */
  readonly done: () => void;
}

interface Starts {
  readonly checkpoint: number;
  readonly starts: number;
  readonly trying: {
    readonly seq: number;
    readonly task: string;
    readonly deaths: number;
    /** It is being decided. Otherwise it waits for its turn, and is not to blame for anything. */
    readonly now: boolean;
  } | null;
}

/** One at a time in the whole process: were events of several partitions tried when it dies, the innocent would be left out with the guilty. */
const turns = new WeakMap<World, Promise<unknown>>();

const inTurn = (world: World, act: () => Promise<void>): Promise<void> => {
  const turn = (turns.get(world) ?? Promise.resolve()).then(act);
  turns.set(
    world,
    turn.catch(() => {}),
  );
  return turn;
};

const keyOf = (partition: number): string => `_starts.${partition}`;

export const openCaution = async (world: World, partition: number, parts: CautionParts): Promise<Caution> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const newest = parts.isStart
    ? await world.bus.log(world.names.streams.events).last(world.names.events(partition))
    : null;
  // Where nothing waits to be decided, a checkpoint that stands still says nothing.
  if (newest === null || newest.seq <= parts.checkpoint) return careless;

  const known = await startsIn(world, partition);
  const before = known?.checkpoint === parts.checkpoint ? known : null;
  const died = before?.trying ?? null;
  let record: Starts = {
    checkpoint: parts.checkpoint,
    starts: (before?.starts ?? 0) + 1,
    trying: died === null ? null : { ...died, deaths: died.deaths + (died.now ? 1 : 0), now: false },
  };
  const save = (next: Starts) => {
    record = next;
    // Whoever changes what is owned waits until a partition is open, in turn: were this silent after a lapse, nothing would be owned ever again.
    return storedInAnyTerm(world, () => store.set({ key: keyOf(partition), data: JSON.stringify(next), expect: null }));
  };
  await save(record);
  if (record.starts <= limits.startsWithoutProgressMax) return careless;
  world.log.warn(
    { partition, starts: record.starts, checkpoint: parts.checkpoint, until: newest.seq },
    'this partition was opened again and again, and its checkpoint has not moved; its events are tried one at a time',
  );

  const queue: Heard[] = [];
  let working = false;
  const tryOne = async (heard: Heard): Promise<void> => {
    const { seq } = heard.message;
    const deaths = record.trying?.seq === seq ? record.trying.deaths : 0;
    if (deaths >= limits.deathsPerEventMax)
      return parts.leaveOut(heard, new Error(`the coordinator died ${deaths} times while it decided this event`));
    await save({ ...record, trying: { seq, task: heard.task, deaths, now: true } });
    await parts.deliver(heard);
    await save({ ...record, trying: null });
  };
  const isOld = ({ message }: Heard): boolean => message.seq <= newest.seq;
  const work = async (): Promise<void> => {
    working = true;
    for (let next = queue[0]; next !== undefined && isOld(next); next = queue[0]) {
      const heard = next;
      await inTurn(world, () => tryOne(heard));
      queue.shift();
    }
    working = false;
    // Nobody ever died of what came meanwhile, and where much comes there would be no end to trying that.
    for (const heard of queue.splice(0)) parts.deliver(heard).catch(world.fatal);
    parts.done();
  };
  return {
    takes: (heard) => {
      if (!isOld(heard) && queue.length === 0) return false;
      queue.push(heard);
      if (!working) work().catch(world.fatal);
      return true;
    },
    uncovered: () => queue[0]?.message ?? null,
  };
};

const careless: Caution = { takes: () => false, uncovered: () => null };

const startsIn = async (world: World, partition: number): Promise<Starts | null> => {
  const entry = await world.bus.store(world.names.buckets.tasks).get(keyOf(partition));
  try {
    return entry === null || entry.gone ? null : (JSON.parse(textOf(entry.data)) as Starts);
  } catch {
    return null;
  }
};
