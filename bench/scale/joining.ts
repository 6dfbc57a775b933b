// Four coordinators under load: a fifth joins, one is killed. Nothing may be lost, and only the share of who comes or goes may move.
import { limits } from '@capstan/contracts';
import type { Bench } from '../bench.ts';
import { round } from '../measure.ts';
import { type Shape, stepCount } from '../shapes.ts';
import { calm, mustBeOrderedOnce } from '../streams.ts';
import { named, type System } from '../system.ts';
import { startLoad } from './load.ts';

const shape: Shape = { kind: 'chain', n: 10 };
const lanes = 256;
const steadyMs = 5_000;
const patienceMs = 120_000;
const coordinators = 4;

export const joining: Bench = {
  name: 'JOIN',
  says: 'a fifth coordinator joins and one is killed, under load',
  usual: false,
  run: async ({ options, start, say }) => {
    await using system = await start({ coordinators, executors: 2 });
    const names = Array.from({ length: coordinators }, (_, at) => named('coordinator', at));
    await owned(system, names);
    const before = await calm(system.client);
    const load = startLoad(system.client, shape, Math.min(lanes, options.most));

    await during(steadyMs);
    const joined = movesFrom(system, names);
    const fifth = named('coordinator', coordinators);
    const joinedAt = performance.now();
    await system.start('coordinator', fifth);
    await owned(system, [...names, fifth]);
    const joinedIn = seconds(joinedAt);
    const movedToFifth = { gained: holding(system, fifth), others: joined() };
    await during(steadyMs);

    const [victim = '', ...others] = names;
    const left = [...others, fifth];
    const lost = holding(system, victim);
    const killed = movesFrom(system, left);
    const killedAt = performance.now();
    await system.stop(victim, 'SIGKILL');
    await owned(system, left);
    const takenIn = seconds(killedAt);
    const movedToOthers = killed();
    await during(steadyMs);

    const { tasks, longest, said } = await load.stop();
    const steps = tasks * stepCount(shape);
    mustBeOrderedOnce(before, await calm(system.client), steps);
    const rate = (from: number, to: number) => round(load.endedBetween(from, to) / ((to - from) / 1_000), 1);
    say({
      bench: 'JOIN',
      tasks,
      steps,
      all_right: true,
      tasks_per_s: {
        before: rate(joinedAt - steadyMs, joinedAt),
        with_five: rate(killedAt - steadyMs, killedAt),
        after_the_kill: rate(killedAt, killedAt + steadyMs),
        once_taken_over: rate(killedAt + takenIn * 1_000, killedAt + takenIn * 1_000 + steadyMs),
      },
      longest_task_s: round(longest / 1_000, 2),
      said_again: said,
      join: { seconds: joinedIn, ...movedToFifth },
      kill: { seconds: takenIn, lost, others: movedToOthers },
    });
  },
};

const during = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const seconds = (from: number): number => round((performance.now() - from) / 1_000, 2);

interface Change {
  readonly owned: number;
  readonly gained: number;
  readonly lost: number;
}

/** How partitions came and went, as a coordinator tells it. */
const changesOf = (system: System, name: string): Change[] =>
  (system.services.get(name)?.log() ?? '')
    .split('\n')
    .filter((line) => line.includes('"partitions changed hands"'))
    .map((line) => JSON.parse(line) as Change);

const holding = (system: System, name: string): number => changesOf(system, name).at(-1)?.owned ?? 0;

/** Resolves once every partition is somebody's, and nobody's twice. */
const owned = async (system: System, names: readonly string[]): Promise<void> => {
  const held = () => names.map((name) => holding(system, name));
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await during(50)) {
    const all = held();
    if (all.every((count) => count > 0) && all.reduce((sum, count) => sum + count, 0) === limits.partitions) return;
  }
  throw new Error(`The partitions of ${names.join(', ')} do not come to ${limits.partitions}: ${held().join(', ')}.`);
};

/** What these gain and lose from now on. */
const movesFrom = (system: System, names: readonly string[]) => {
  const before = new Map(names.map((name) => [name, changesOf(system, name).length]));
  return () => {
    const changes = names.flatMap((name) => changesOf(system, name).slice(before.get(name)));
    return {
      gained: changes.reduce((sum, { gained }) => sum + gained, 0),
      lost: changes.reduce((sum, { lost }) => sum + lost, 0),
    };
  };
};
