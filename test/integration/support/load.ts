// Many tasks at once from a client that does as it should: it says a submission again, under the same id, until somebody has taken it.
import { BusError, isBusError } from '@capstan/bus';
import type { Submission } from '@capstan/contracts';
import type { World } from './world.ts';

/** Numbers that look random and are the same each time. */
export const randomOf = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

/** A diamond of four steps; now and then with a failure, a question that needs no person, a family, or a search for a queue. */
export const someTask = (id: string, random: (below: number) => number): Partial<Submission> => ({
  task_id: id,
  plan: {
    steps: [
      { id: 'a', capability: 'echo', input: { n: random(1_000) }, ...(random(4) === 0 ? { each: { count: 3 } } : {}) },
      {
        id: 'b',
        capability: 'fail',
        input: { times: random(3) },
        depends_on: ['a'],
        retry: { initial_delay_ms: 10 + random(100) },
      },
      {
        id: 'c',
        capability: 'echo',
        input: { from: '${{ steps.a.output }}' },
        depends_on: ['a'],
        ...(random(4) === 0 ? { needs: { kind: 'test' } } : {}),
      },
      {
        id: 'd',
        capability: random(20) === 0 ? 'fail' : 'noop',
        input: { times: 9 },
        depends_on: ['b', 'c'],
        retry: { max_attempts: 2, initial_delay_ms: 5 },
      },
    ],
  },
});

export interface Load {
  readonly ids: readonly string[];
  /** Resolves once all are accepted. */
  readonly accepted: Promise<void>;
}

const atOnce = 16;

export const submitMany = (world: World, name: string, count: number, seed: number): Load => {
  const random = randomOf(seed);
  const tasks = Array.from({ length: count }, (_, at) => ({
    body: someTask(`${name}-${at}`, random),
    plain: random(3) === 0,
  }));
  let next = 0;
  const submitter = async (): Promise<void> => {
    for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) await insist(world, task.body, task.plain);
  };
  const accepted = Promise.all(Array.from({ length: atOnce }, submitter)).then(() => {});
  // Whoever awaits it hears of a failure; nobody need hear of it twice.
  accepted.catch(() => {});
  return { ids: tasks.map(({ body }) => body.task_id as string), accepted };
};

const patienceMs = 90_000;

/** Says it again until somebody has taken it. */
export const insist = async (world: World, body: Partial<Submission>, plain: boolean): Promise<void> => {
  for (const until = Date.now() + patienceMs; ; ) {
    try {
      if (plain) await world.plain(body, undefined, 4_000);
      else {
        const { error } = await world.ask('task.submit', body, 4_000);
        // Known, then, and it goes on once somebody lets it.
        if (error !== null && / is quarantined/.test(error.message)) return;
        if (error !== null && error.code !== 'unavailable')
          throw new Error(`${body.task_id}: ${error.code}: ${error.message}`);
        if (error !== null) throw new BusError('unavailable', error.message);
      }
      return;
    } catch (error) {
      if (Date.now() > until || !isBusError(error, 'unavailable')) throw error;
      // Nobody is there just now: the next one that is says so.
      await world.changeOr(250);
    }
  }
};
