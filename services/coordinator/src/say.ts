// Saying events in Capstan's own name: the subject, its token, once.
import { isBusError, partitionOf, type Said } from '@capstan/bus';
import type { World } from './world.ts';

/** The subject of an event with its token, which nobody without the key can make. */
export const eventSubject = (
  world: World,
  task: string,
  key: string,
  ...name: (string | number)[]
): { subject: string; token: string } => {
  const bare = world.names.event(partitionOf(task, world.partitions), task, ...name);
  const token = world.ring.sign(key, bare);
  return { subject: `${bare}.${token}`, token };
};

export const sayEvent = (
  world: World,
  task: string,
  key: string,
  name: readonly (string | number)[],
  body: object,
  unless?: string,
): Promise<Said> =>
  world.bus.once({
    subject: eventSubject(world, task, key, ...name).subject,
    data: JSON.stringify(body),
    ...(unless === undefined ? {} : { unless }),
  });

/** Says something until it is stored, however long that takes; for ever silent once whoever wanted it was dropped from memory. */
export const untilStored = <T>(world: World, say: () => Promise<T>): Promise<T> => {
  const { term } = world.membership;
  return saidAgain(world, say, () => world.membership.term !== term);
};

/** The same where others wait for it to end, whatever was dropped meanwhile. */
export const storedInAnyTerm = <T>(world: World, say: () => Promise<T>): Promise<T> =>
  saidAgain(world, say, () => false);

/** Asks something until the server is there to answer, however long it is away. What else goes wrong is for whoever asks. */
export const askedInAnyTerm = <T>(world: World, ask: () => Promise<T>): Promise<T> =>
  saidAgain(
    world,
    ask,
    () => false,
    (error) => isBusError(error, 'unavailable'),
  );

const saidAgain = async <T>(
  world: World,
  say: () => Promise<T>,
  isDropped: () => boolean,
  passes: (error: unknown) => boolean = () => true,
): Promise<T> => {
  for (let wait = 250; ; wait = Math.min(wait * 2, 10_000)) {
    try {
      return await say();
    } catch (error) {
      if (!passes(error)) throw error;
      world.log.warn({ err: error }, 'not answered yet; saying it again');
      await new Promise<void>((resolve) => void world.clock.later(wait, resolve));
      if (isDropped()) return new Promise(() => {});
    }
  }
};
