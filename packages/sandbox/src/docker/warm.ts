// Containers that stand ready, for the next command of a task: started already, so that a command costs a tenth. Each serves one command and is
// gone then, since only with its container does everything end that a command has started.
import type { Container, ContainerCreateOptions } from 'dockerode';
import type { Containers } from './containers.ts';

export interface Ready {
  readonly container: Container;
  /** It has served. */
  done(): void;
}

export interface Warm {
  /** One that was made with these very options, where there is one. */
  take(options: ContainerCreateOptions): Ready | null;
  /** Makes one for the next command like this. */
  prepare(options: ContainerCreateOptions): void;
  /** Nobody will want those with this volume any more; resolves once they are gone. */
  drop(volume: string): Promise<void>;
  end(): Promise<void>;
}

/** What nobody has taken by then was made in vain. */
const keepMs = 30_000;
/** As long as any command may take, in case that nobody is left to take it away. */
const standMs = 2 * 86_400_000;

export const newWarm = (containers: Containers, most: number): Warm => {
  const ready = new Map<string, Ready>();
  const alive = new Map<Promise<void>, string>();
  const dropped = new Set<string>();
  let ended = false;
  const stand = (key: string, options: ContainerCreateOptions): Promise<void> =>
    containers.with({ ...options, Cmd: ['sleep', String(standMs / 1_000)] }, async (container) => {
      await containers.start(container);
      if (ended || dropped.has(key) || ready.has(key)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const tired = setTimeout(() => {
        if (ready.get(key) === own) ready.delete(key);
        resolve();
      }, keepMs);
      const own: Ready = {
        container,
        done: () => {
          clearTimeout(tired);
          resolve();
        },
      };
      ready.set(key, own);
      await promise;
    });
  return {
    take: (options) => {
      const key = keyOf(options);
      const found = ready.get(key) ?? null;
      ready.delete(key);
      return found;
    },
    prepare: (options) => {
      const key = keyOf(options);
      if (ended || alive.size >= most || ready.has(key)) return;
      dropped.delete(key);
      // Where it can't be made, the next command makes its own, and says why.
      const standing = stand(key, options).catch(() => {});
      alive.set(standing, key);
      void standing.finally(() => alive.delete(standing));
    },
    drop: async (volume) => {
      const of = [...alive].filter(([, key]) => key.includes(`"${volume}"`));
      for (const [, key] of of) {
        dropped.add(key);
        ready.get(key)?.done();
        ready.delete(key);
      }
      await Promise.all(of.map(([standing]) => standing));
      for (const [, key] of of) dropped.delete(key);
    },
    end: async () => {
      ended = true;
      for (const one of ready.values()) one.done();
      ready.clear();
      await Promise.all(alive.keys());
    },
  };
};

const keyOf = (options: ContainerCreateOptions): string => JSON.stringify(options);
