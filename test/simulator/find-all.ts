// Looks for every planted fault: first with the seeds that found it last time, then from the first seed on. A fault is found by a seed that
// complains with the fault in, and has nothing to complain of without it.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Bug, bugs } from './bugs.ts';
import { runSeeds } from './pool.ts';

export interface Found {
  readonly bug: Bug;
  /** The first seed that finds it; null where none did. */
  readonly seed: number | null;
  /** How many seeds were run for it, and for how long, its start included. */
  readonly tried: number;
  /** And how many events were decided in them. */
  readonly events: number;
  readonly ms: number;
  readonly says: string;
  /** It was looked for with the seed that had found it, and nothing is known of those before that one. */
  readonly wasKnown: boolean;
}

export interface FindOptions {
  readonly threads?: number | undefined;
  /** So many seeds are tried for each. */
  readonly seedsMax: number;
  /** Known seeds first, which is quick; otherwise the first seed that finds it is looked for anew. */
  readonly known?: FoundBy;
  readonly only?: readonly string[];
  readonly say: (line: string) => void;
}

/** Of each fault the first seed that found it, and the events of that and all seeds before it. */
export type FoundBy = Readonly<Record<string, { readonly seed: number; readonly events: number }>>;

const foundByFile = join(import.meta.dirname, 'found-by.json');
export const foundBy = (): FoundBy => JSON.parse(readFileSync(foundByFile, 'utf8')) as FoundBy;

/** Remembers the seeds, so that the tests need not look for them. */
export const keepFound = (found: readonly Found[]): void => {
  const known = foundBy();
  const newest = new Map(
    found.flatMap(({ bug, seed, events, wasKnown }) =>
      seed === null || wasKnown ? [] : [[bug.name, { seed, events }] as const],
    ),
  );
  const lines = bugs.flatMap(({ name }) => {
    const one = newest.get(name) ?? known[name];
    return one === undefined ? [] : [`  ${JSON.stringify(name)}: { "seed": ${one.seed}, "events": ${one.events} }`];
  });
  writeFileSync(foundByFile, `{\n${lines.join(',\n')}\n}\n`);
};

export const find = async (bug: Bug, { seedsMax, known }: FindOptions): Promise<Found> => {
  const begun = performance.now();
  const before = known?.[bug.name];
  let [tried, events] = [0, 0];
  let found: { readonly seed: number; readonly says: string } | null = null;
  await runSeeds({
    seeds: seedsFor(before === undefined ? [] : [before.seed], seedsMax),
    threads: 1,
    bug: bug.name,
    on: ({ seed, violations, events: decided }) => {
      tried += 1;
      events += decided;
      const [says] = violations;
      if (says === undefined) return true;
      found = { seed, says };
      return false;
    },
  });
  const { seed, says } = (found ?? { seed: null, says: '' }) as { seed: number | null; says: string };
  return {
    bug,
    seed,
    tried,
    events,
    ms: performance.now() - begun,
    says,
    wasKnown: before !== undefined && seed === before.seed,
  };
};

/** One thread for each fault, as many faults at a time as there are cores. */
export const findAll = async (options: FindOptions): Promise<Found[]> => {
  const wanted = bugs.filter(({ name }) => options.only?.includes(name) ?? true);
  const found = new Map<Bug, Found>();
  const left = wanted.values();
  const worker = async (): Promise<void> => {
    for (const bug of left) {
      const one = await find(bug, options);
      found.set(bug, one);
      const how = one.seed === null ? 'NOT FOUND' : `found by seed ${one.seed}`;
      options.say(
        `${bug.name}: ${how} (${one.tried} seeds, ${(one.ms / 1_000).toFixed(1)} s)  ${one.says.slice(0, 200)}`,
      );
    }
  };
  await Promise.all(Array.from({ length: options.threads ?? availableParallelism() }, worker));
  return wanted.map((bug) => found.get(bug) as Found);
};

function* seedsFor(first: readonly number[], seedsMax: number): Generator<number> {
  yield* first;
  for (let seed = 1; seed <= seedsMax; seed += 1) if (!first.includes(seed)) yield seed;
}
