// One round: an installation of its own, processes that die, a load; and after it everything that was accepted must be there, once.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, textOf } from '@capstan/bus';
import { randomOf } from '../integration/support/load.ts';
import { audit } from '../integration/support/audit.ts';
import { readAll } from '../integration/support/replay.ts';
import { startWorld, type World, type WorldOptions } from '../integration/support/world.ts';
import type { Played } from './scenarios/scenario.ts';
import type { Counts } from './counts.ts';
import { autopsy } from './autopsy.ts';
import { type Load, type Pace, patiently, startLoad } from './load.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { startTroupe, type Troupe, type TroupeOptions } from './troupe.ts';

export interface Stage {
  readonly world: World;
  readonly troupe: Troupe;
  readonly counts: Counts;
  /** Between each process and the server. */
  readonly proxies: ReadonlyMap<string, Proxy>;
  readonly random: (below: number) => number;
  load(pace?: Pace): Load;
}

export interface StageOptions {
  readonly counts: Counts;
  readonly seed: number;
  readonly world?: WorldOptions;
  /** True unless said otherwise. */
  readonly proxied?: boolean;
  readonly troupe?: Pick<TroupeOptions, 'coordinators' | 'executors' | 'env' | 'points'>;
}

/** Short, so that what a killed process held comes again soon. */
const ackWaitMs = 3_000;

export const onStage = async (
  { counts, seed, proxied = true, world: worldOptions, troupe: troupeOptions }: StageOptions,
  act: (stage: Stage) => Promise<string[]>,
): Promise<Played> => {
  await using world = await startWorld({ agent: false, coordinators: 0, ackWaitMs, ...worldOptions });
  await openQueue(world);
  const proxies = new Map<string, Proxy>();
  for (const instance of proxied ? instancesOf(troupeOptions) : [])
    proxies.set(instance, await startProxy(() => world.server.port));
  const configFile = join(world.server.dir, 'troupe.yaml');
  await writeFile(configFile, 'executor:\n  tags: { kind: test }\n');
  const troupe = await startTroupe(world, {
    ...troupeOptions,
    env: { CAPSTAN_CONFIG: configFile, ...troupeOptions?.env },
    counts,
    url: (instance) => proxies.get(instance)?.url ?? world.server.url,
  });
  const random = randomOf(seed);
  // It would outlive a run that is broken off.
  const end = () => void (world.server.pid > 0 && process.kill(world.server.pid, 'SIGKILL'));
  process.once('exit', end);
  try {
    const violations = await act({
      world,
      troupe,
      counts,
      proxies,
      random,
      load: (pace) => startLoad(world, random, pace),
    });
    counts.violations += violations.length;
    return { violations };
  } finally {
    process.off('exit', end);
    await troupe.end();
    await Promise.all([...proxies.values()].map((proxy) => proxy[Symbol.asyncDispose]()));
  }
};

const instancesOf = ({ coordinators = 2, executors = 2 }: Pick<TroupeOptions, 'coordinators' | 'executors'> = {}) => [
  ...Array.from({ length: coordinators }, (_, at) => `c${at + 1}`),
  ...Array.from({ length: executors }, (_, at) => `e${at + 1}`),
];

/** Whoever makes it first decides how long silence is. */
const openQueue = async (world: World): Promise<void> => {
  const bus = await connect({ url: world.server.url, ackWaitMs, maxDeliver: -1 });
  await bus.openQueue('executor');
  await bus.close();
};

const endMs = 120_000;

/**
 * The storm is over: all that was accepted ends or waits, and then the streams are read. Gives back what is wrong. `strangers` is how many events
 * nobody said who may.
 */
export const curtain = async ({ world, troupe, counts }: Stage, load: Load, strangers = 0): Promise<string[]> => {
  await load.stop();
  await troupe.calm();
  const released = await release(world);
  counts.quarantined += released;
  await world.allEnded(load.ids, endMs).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${await autopsy(world, troupe, load.ids)}`);
  });
  for (const id of load.waiting)
    await world.stored(id, 'it waits for a person', ({ status }) => status.startsWith('awaiting_'), endMs);
  await world.emptied(endMs);
  await world.checkpointed([...load.ids, ...load.waiting], endMs);
  await troupe.stop();
  const { violations, replay } = await audit(world.bus, [...load.ids, ...load.waiting], load.waiting, {
    killedOften: true,
  });
  violations.push(...(await missingRubbish(world, load)));
  const strange = replay.forged.length + replay.orphaned.length;
  if (strange !== strangers) violations.push(`${strange} events are nobody's, and ${strangers} were said to be`);
  if (replay.invalid.length > 0) violations.push(`${replay.invalid.length} genuine events say nothing`);
  counts.rounds += 1;
  counts.tasks += replay.tasks.size;
  counts.events += replay.events;
  for (const { reported } of replay.tasks.values()) counts.reports += reported.size;
  counts.orders += (await world.bus.log(world.names.streams.orders).info()).messages;
  counts.letters += world.letters.length;
  return violations;
};

/** A coordinator that is killed again and again while it decides one event looks as if it died of that: an operator, who knows better, lets it go on. */
const release = async (world: World): Promise<number> => {
  const { quarantined } = await patiently(world, () =>
    world.api<{ quarantined: { task_id: string }[] }>('quarantine.list', {}),
  );
  for (const { task_id } of quarantined)
    await patiently(world, () => world.api('quarantine.release', { task_id, by: 'alice' }));
  return quarantined.length;
};

const missingRubbish = async (world: World, { rubbish }: Load): Promise<string[]> => {
  const kept = new Set((await readAll(world.bus, world.names.streams.dlq)).map(({ data }) => textOf(data)));
  return rubbish.filter((text) => !kept.has(text)).map((text) => `"${text}" was taken, and is no dead letter`);
};
