// The processes that are to die and come again: coordinators and executors, each life with a fate of its own, or without one.
import { join } from 'node:path';
import { type CoordinatorProcess, startCoordinator } from '../integration/support/coordinator.ts';
import { Signal } from '../integration/support/deadline.ts';
import type { World } from '../integration/support/world.ts';
import type { Counts } from './counts.ts';
import { type Fate, fateText, moments, type Point, pointsOf } from './points.ts';

export type Service = keyof typeof pointsOf;
type Random = (below: number) => number;

export interface Player {
  readonly service: Service;
  readonly instance: string;
  /** Null while it is dead. */
  readonly process: CoordinatorProcess | null;
  /** SIGKILL, and a new life. */
  kill(): Promise<void>;
  /** A life that is to end like that; resolves, and leaves it dead, once it has, or is over by other means: then false. */
  meet(fate: Fate, ms: number): Promise<boolean>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
}

export interface Troupe {
  readonly players: readonly Player[];
  player(instance: string): Player;
  /** Every life is short from now on: it ends at a named point, or at a random time. */
  storm(random: Random): void;
  /** A new life for everyone, that nothing ends. */
  calm(): Promise<void>;
  /** Everyone ends as they are meant to; throws where one can't. */
  stop(): Promise<void>;
  /** As fast as may be. */
  end(): Promise<void>;
}

export interface TroupeOptions {
  readonly coordinators?: number;
  readonly executors?: number;
  /** Where each finds the server. */
  readonly url: (instance: string) => string;
  readonly counts: Counts;
  readonly env?: Readonly<Record<string, string>>;
  /** Where lives end in a storm, instead of at every point that this kind of process comes by. */
  readonly points?: Partial<Record<Service, readonly Point[]>>;
}

const preload = join(import.meta.dirname, 'die.ts');

export const startTroupe = async (world: World, options: TroupeOptions): Promise<Troupe> => {
  const make = (service: Service, count = 2) =>
    Array.from({ length: count }, (_, at) => newLife(world, options, service, `${service[0]}${at + 1}`));
  const players = [...make('coordinator', options.coordinators), ...make('executor', options.executors)];
  await Promise.all(players.map((player) => player.begin()));
  let storms: Promise<void>[] = [];
  const over = new Signal();
  let isOver = false;
  const all = (act: (player: (typeof players)[number]) => Promise<void>) =>
    Promise.all(players.map(act)).then(() => {});
  return {
    players,
    player: (instance) => {
      const found = players.find((player) => player.instance === instance);
      if (found === undefined) throw new Error(`nobody is called ${instance}`);
      return found;
    },
    storm: (random) => {
      isOver = false;
      storms = players.map(async (player) => {
        while (!isOver) await player.liveShortly(random, over.next());
      });
      for (const storm of storms) storm.catch(() => {});
    },
    calm: async () => {
      isOver = true;
      over.fire();
      await Promise.all(storms);
      storms = [];
      await all((player) => player.kill());
    },
    stop: () => all((player) => player.stop()),
    end: async () => {
      isOver = true;
      over.fire();
      await Promise.allSettled(storms);
      await all((player) => player.end());
    },
  };
};

const lifeMs = 6_000;
const startTries = 200;

const newLife = (world: World, options: TroupeOptions, service: Service, instance: string) => {
  let process: CoordinatorProcess | null = null;
  const { counts } = options;

  const begin = async (fate?: Fate): Promise<void> => {
    const env = {
      CAPSTAN_UNSAFE_HOST_SHELL: 'true',
      CAPSTAN_LOG_LEVEL: 'info',
      ...options.env,
      ...(fate === undefined ? {} : { NODE_OPTIONS: `--import ${preload}`, CAPSTAN_CHAOS_FATE: fateText(fate) }),
    };
    const started = await startCoordinator({ service, url: options.url(instance), instance, env });
    process = started;
  };
  /** Where the server is away it can't begin, and tries again. */
  const beginAgain = async (): Promise<void> => {
    for (let left = startTries; ; left -= 1) {
      try {
        return await begin();
      } catch (error) {
        if (left === 0) throw error;
      }
    }
  };
  const kill = async (): Promise<void> => {
    const one = process;
    process = null;
    if (one === null) return;
    // Who ended by itself, and not by its fate, is a fault: that is told, and not passed over.
    const died = !one.alive();
    await one.kill();
    if (died && !byFate(one)) throw new Error(`${service} ${instance} ended by itself:\n${tail(one)}`);
    if (died) counts.named += 1;
    counts[service] += 1;
  };

  return {
    service,
    instance,
    get process() {
      return process;
    },
    begin,
    kill: async () => {
      await kill();
      await beginAgain();
    },
    meet: async (fate: Fate, ms: number): Promise<boolean> => {
      await kill();
      let died = true;
      try {
        await begin(fate);
        const life = process as CoordinatorProcess | null;
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
        died = await Promise.race([(life as CoordinatorProcess).gone.then(() => true), late]);
        clearTimeout(timer);
        await kill();
      } catch (error) {
        if (!String(error).includes('before it said')) throw error;
        // It met its fate before it was ready.
        counts[service] += 1;
        counts.named += 1;
      }
      return died;
    },
    liveShortly: async (random: Random, over: Promise<void>): Promise<void> => {
      await kill();
      const all = options.points?.[service] ?? pointsOf[service];
      const fate: Fate = {
        point: all[random(all.length)] as Fate['point'],
        moment: moments[random(moments.length)] as Fate['moment'],
        nth: 1 + random(8),
      };
      try {
        await begin(random(5) === 0 ? undefined : fate);
      } catch (error) {
        if (/"fate"/.test(String(error))) {
          counts[service] += 1;
          counts.named += 1;
        }
        return;
      }
      const life = process as CoordinatorProcess | null;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, 300 + random(lifeMs))));
      await Promise.race([life?.gone, late, over]);
      clearTimeout(timer);
    },
    signal: (name: 'SIGSTOP' | 'SIGCONT') => {
      if (name === 'SIGSTOP') counts.frozen += 1;
      process?.signal(name);
    },
    stop: async () => {
      await process?.stop();
      process = null;
    },
    end: async () => {
      await process?.end();
      process = null;
    },
  };
};

const byFate = (one: CoordinatorProcess): boolean => one.log.some(({ msg }) => msg === 'fate');

const tail = (one: CoordinatorProcess): string =>
  one.log
    .slice(-8)
    .map((line) => JSON.stringify(line))
    .join('\n');
