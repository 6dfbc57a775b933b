// The containers of this process: made, known by name from before they exist, and removed whatever happens in between.
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Container, ContainerCreateOptions } from 'dockerode';
import type { Engine } from './engine.ts';

export interface Containers {
  /** Makes a container, hands it to `use`, and removes it afterwards. */
  with<T>(options: ContainerCreateOptions, use: (container: Container) => Promise<T>): Promise<T>;
  /** Starting takes the engine's time more than ours: few at once are as fast together, and each is much faster. */
  start(container: Container): Promise<void>;
  known(name: string): boolean;
}

const startsAtOnce = Math.max(2, 2 * availableParallelism());

export const newContainers = (
  { docker, ask, settle }: Engine,
  onLeft: (name: string, error: unknown) => void,
): Containers => {
  const mine = new Set<string>();
  const turns = newTurns(startsAtOnce);
  return {
    known: (name) => mine.has(name),
    with: async (options, use) => {
      const name = `capstan-${randomBytes(8).toString('hex')}`;
      mine.add(name);
      try {
        const container = await ask('make a container', docker.createContainer({ ...options, name }));
        return await use(container);
      } finally {
        // By its name: also where the answer to making it was lost on the way.
        try {
          await settle('remove a container', docker.getContainer(name).remove({ force: true, v: true }));
        } catch (error) {
          onLeft(name, error);
        }
        mine.delete(name);
      }
    },
    start: (container) => turns(() => ask('start a container', container.start())),
  };
};

/** Lets so many run at a time, in the order in which they came. */
const newTurns = (most: number) => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (act: () => Promise<unknown>): Promise<void> => {
    if (running >= most) await new Promise<void>((next) => waiting.push(next));
    else running++;
    try {
      await act();
    } finally {
      const next = waiting.shift();
      // Its place is handed on, not given back.
      if (next) next();
      else running--;
    }
  };
};
