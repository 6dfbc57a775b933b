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
  readonly ms: number;
  readonly says: string;
}

export interface FindOptions {
  readonly threads?: number | undefined;
  /** So many seeds are tried for each. */
  readonly seedsMax: number;
  /** Known seeds first, which is quick; otherwise the first seed that finds it is looked for anew. */
  readonly known?: Readonly<Record<string, readonly number[]>>;
  readonly only?: readonly string[];
  readonly say: (line: string) => void;
}

const foundByFile = join(import.meta.dirname, 'found-by.json');
export const foundBy = (): Readonly<Record<string, readonly number[]>> =>
  JSON.parse(readFileSync(foundByFile, 'utf8')) as Record<string, number[]>;

/** Remembers the seeds, so that the tests need not look for them. */
export const keepFound = (found: readonly Found[]): void => {
  const newest = new Map(found.map(({ bug, seed }) => [bug, seed === null ? [] : [seed]]));
  const known = foundBy();
  const lines = bugs.map(
    (bug) => `  ${JSON.stringify(bug.name)}: ${JSON.stringify(newest.get(bug) ?? known[bug.name] ?? [])}`,
  );
  writeFileSync(foundByFile, `{\n${lines.join(',\n')}\n}\n`);
};

export const find = async (bug: Bug, { seedsMax, known }: FindOptions): Promise<Found> => {
  const begun = performance.now();
  const first = known?.[bug.name] ?? [];
  let tried = 0;
  let found: { readonly seed: number; readonly says: string } | null = null;
  await runSeeds({
    seeds: seedsFor(first, seedsMax),
    threads: 1,
    bug: bug.name,
    on: ({ seed, violations }) => {
      tried += 1;
      const [says] = violations;
      if (says === undefined) return true;
      found = { seed, says };
      return false;
    },
  });
  const { seed, says } = (found ?? { seed: null, says: '' }) as { seed: number | null; says: string };
  return { bug, seed, tried, ms: performance.now() - begun, says };
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
