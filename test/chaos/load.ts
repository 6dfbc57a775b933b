// Tasks without end, at a steady pace, from clients that say everything until it is taken, and some of it twice. It remembers what was accepted and
// what must be a dead letter.
import { setTimeout as sleep } from 'node:timers/promises';
import { isBusError } from '@capstan/bus';
import type { Submission, TaskRecord } from '@capstan/contracts';
import { insist, someTask } from '../integration/support/load.ts';
import { newId, type World } from '../integration/support/world.ts';

type Random = (below: number) => number;

export interface Load {
  /** Accepted, and to end. */
  readonly ids: readonly string[];
  /** Accepted, and to wait for a person. */
  readonly waiting: ReadonlySet<string>;
  /** Bodies that are no task, each of which the plain door has taken. */
  readonly rubbish: readonly string[];
  /** Resolves once everything that was begun is accepted. */
  stop(): Promise<void>;
}

export interface Pace {
  readonly clients?: number;
  /** Between two tasks of one client, on average. */
  readonly pauseMs?: number;
  readonly tasksMax?: number;
  /** Only tasks that come by every point there is. */
  readonly tours?: boolean;
}

export const startLoad = (
  world: World,
  random: Random,
  { clients = 16, pauseMs = 500, tasksMax = 2_000, tours = false }: Pace = {},
): Load => {
  const ids: string[] = [];
  const waiting = new Set<string>();
  const rubbish: string[] = [];
  let stopped = false;

  const one = async (): Promise<void> => {
    const kind = tours ? 7 : random(24);
    if (kind === 0) {
      const text = `${newId('rubbish')} is no JSON`;
      await patiently(world, () => world.plain(text, undefined, 2_000));
      rubbish.push(text);
      return;
    }
    const { body, waits } = kind === 7 ? await tour(world) : taskOf(kind, random);
    const door = () => insist(world, body, random(3) === 0);
    await Promise.all(random(5) === 0 ? [door(), door()] : [door()]);
    const id = body.task_id as string;
    if (!waits) ids.push(id);
    else if (random(2) === 0) waiting.add(id);
    else {
      await decide(world, id);
      ids.push(id);
    }
  };
  const client = async (): Promise<void> => {
    while (!stopped && ids.length < tasksMax) {
      await one();
      await sleep(random(2 * pauseMs));
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  running.catch(() => {});
  return {
    ids,
    waiting,
    rubbish,
    stop: async () => {
      stopped = true;
      await running;
    },
  };
};

const taskOf = (kind: number, random: Random): { body: Partial<Submission>; waits: boolean } => {
  const alone = (step: object) => ({ task_id: newId('one'), plan: { steps: [{ id: 'a', ...step } as never] } });
  if (kind === 1) return { body: alone({ capability: 'noop', risk: 'high' }), waits: true };
  if (kind === 2) return { body: alone({ capability: 'ask', input: { text: 'Which one?' } }), waits: true };
  // Too large for a record: its output is an object.
  if (kind === 3) return { body: alone({ capability: 'echo', input: { text: 'x'.repeat(20_000) } }), waits: false };
  if (kind === 4) return { body: alone({ capability: 'shell', input: { command: ['echo', 'hello'] } }), waits: false };
  if (kind === 5) return { body: alone({ capability: 'wait', input: { ms: random(4_000) } }), waits: false };
  if (kind === 6)
    return {
      body: alone({
        capability: 'fail',
        input: { times: 9, retryable: random(2) === 0 },
        on_failure: 'skip',
        retry: { max_attempts: 2, initial_delay_ms: 5 },
      }),
      waits: false,
    };
  return { body: someTask(newId('task'), random), waits: false };
};

/**
 * Comes by every point and ends by itself: its plan is an object, of which whoever admits it keeps a copy; so is an output; a command writes a
 * log; a question expires; a failure is put aside.
 */
const tour = async (world: World): Promise<{ body: Partial<Submission>; waits: boolean }> => {
  const { artifacts } = world.names.buckets;
  const name = `uploads/${newId('plan')}.json`;
  const steps = [
    { id: 'large', capability: 'echo', input: { text: 'x'.repeat(20_000) } },
    { id: 'command', capability: 'shell', input: { command: ['echo', 'hello'] } },
    { id: 'question', capability: 'noop', approval: { expires_ms: 50 }, on_failure: 'skip' },
    { id: 'failure', capability: 'fail', input: { times: 9 }, retry: { max_attempts: 1 }, on_failure: 'skip' },
  ];
  const { sha256 } = await patiently(world, () =>
    world.bus.objects(artifacts).put(name, Buffer.from(JSON.stringify({ steps }))),
  );
  return { body: { task_id: newId('tour'), plan_ref: { ref: `${artifacts}/${name}`, sha256 } }, waits: false };
};

/** As a person does: looks until there is a question, and answers until somebody has heard it. */
const decide = async (world: World, id: string): Promise<void> => {
  const asked = await patiently(world, async () => {
    // Whoever was asked may die before it answers: that is not waited for long.
    const { body, error } = await world.ask('task.get', { task_id: id }, 4_000);
    // Blamed for what the harness did to its coordinator: an operator, who knows better, lets it go on.
    if (error !== null && / is quarantined/.test(error.message))
      await world.ask('quarantine.release', { task_id: id, by: 'alice' }, 4_000);
    if (error !== null) return null;
    const task = body as TaskRecord;
    const [first] = task.interventions;
    return first === undefined ? null : { id: first, answers: task.status === 'awaiting_input' };
  });
  await patiently(world, async () => {
    const { error } = await world.ask(
      asked.answers ? 'inbox.answer' : 'inbox.approve',
      { id: asked.id, by: 'alice', ...(asked.answers ? { value: 'this' } : {}) },
      2_000,
    );
    if (error === null) return true;
    // Said before, and the answer to that was lost; by now its task may be over, and what it asked in the archive. Unless it is not listed yet.
    return ['conflict', 'gone', 'not_found'].includes(error.code) && !(await asksStill(world, id, asked.id))
      ? true
      : null;
  });
};

const asksStill = async (world: World, task: string, intervention: string): Promise<boolean> => {
  const { body, error } = await world.ask('task.get', { task_id: task }, 4_000);
  return error === null ? (body as TaskRecord).interventions.includes(intervention) : error.code !== 'not_found';
};

const patienceMs = 90_000;

/** Until there is an answer other than null. */
export const patiently = async <T>(world: World, act: () => Promise<T | null>): Promise<T> => {
  for (const until = Date.now() + patienceMs; ; ) {
    let found: T | null = null;
    try {
      found = await act();
    } catch (error) {
      if (Date.now() > until || !(isBusError(error, 'unavailable') || /unavailable|not_found/.test(String(error))))
        throw error;
    }
    if (found !== null) return found;
    if (Date.now() > until) throw new Error('nobody answered, however often it was asked');
    await world.changeOr(250);
  }
};
