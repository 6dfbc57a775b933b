// Plans of any size, and running one to its end with nothing but decisions: for the bench, and for the test that work grows with the plan.
import { defaultSettings, type Effect, type Event, type Plan } from '@capstan/contracts';
import { decide } from './index.ts';

const routes = { noop: 'executor' };
const start = Date.UTC(2026, 0, 1);

const submitted = (taskId: string, plan: Plan): Event =>
  ({
    kind: 'submitted',
    seq: 1,
    at: start,
    taskId,
    request: { task_id: taskId, tenant: 'default' },
    plan,
    planHash: 'bench',
    settings: defaultSettings,
    routes,
    body: {},
  }) as unknown as Event;

/** What a report has to say of its order; the order itself is not kept, as it isn't in a coordinator. */
interface Ordered {
  readonly step: string;
  readonly attempt: number;
}

const orderedBy = (effects: readonly Effect[]): Ordered[] =>
  effects.flatMap((effect) =>
    effect.kind === 'order' ? [{ step: effect.order.step_id, attempt: effect.order.attempt }] : [],
  );

const reportFor = (taskId: string, { step, attempt }: Ordered, seq: number): Event => ({
  kind: 'report',
  seq,
  at: start + seq,
  step,
  attempt,
  queue: 'executor',
  report: {
    task_id: taskId,
    step_id: step,
    attempt,
    lease: 'x',
    agent: 'bench.1',
    outcome: 'succeeded',
    output: { n: 1 },
    usage: { wall_ms: 3 },
  },
});

export interface Run {
  readonly submitMs: number;
  readonly reportMs: number;
  readonly reports: number;
}

/** As many events as a coordinator reads at once. */
const batch = 500;

export type Clock = () => number;

/** Runs one task to its end; only the calls of `decide` are timed. */
export const run = (taskId: string, plan: Plan, clock: Clock): Run => {
  const first = submitted(taskId, plan);
  const began = clock();
  let decision = decide(null, first);
  const submitMs = clock() - began;
  const waiting = orderedBy(decision.effects);
  let [seq, reportMs, reports] = [1, 0, 0];
  for (let next = 0; next < waiting.length; ) {
    const events = waiting.slice(next, next + batch).map((ordered) => reportFor(taskId, ordered, (seq += 1)));
    const effects: Effect[][] = [];
    const from = clock();
    for (const event of events) {
      decision = decide(decision.state, event);
      effects.push(decision.effects as Effect[]);
    }
    reportMs += clock() - from;
    reports += events.length;
    next += events.length;
    for (const some of effects) waiting.push(...orderedBy(some));
  }
  if (decision.state?.status !== 'succeeded') throw new Error(`the task is ${decision.state?.status}`);
  return { submitMs, reportMs, reports };
};

export const family = (count: number): Plan => ({
  steps: [
    { id: 'work', capability: 'noop', input: { a: 1 }, each: { count } },
    { id: 'join', capability: 'noop', depends_on: ['work'] },
  ],
});
export const chain = (length: number): Plan => ({
  steps: Array.from({ length }, (_, at) => ({
    id: `s${at}`,
    capability: 'noop',
    input: { a: at },
    ...(at === 0 ? {} : { depends_on: [`s${at - 1}`] }),
  })),
});

/** Layers of a hundred steps, each step after two of the layer before: as many joins as steps. */
export const layers = (count: number): Plan => ({
  steps: Array.from({ length: count }, (_, at) => ({
    id: `s${at}`,
    capability: 'noop',
    ...(at < layer ? {} : { depends_on: [`s${at - layer}`, `s${at - layer - (at % layer === 0 ? -1 : 1)}`] }),
  })),
});
const layer = 100;

/** Phases of a thousand steps, each with a condition and a value of a step of the phase before. */
export const phased = (count: number): Plan => ({
  phases: Array.from({ length: Math.ceil(count / phase) }, (_, at) => ({
    name: `p${at}`,
    gate: { min_success_rate: 1 },
  })),
  params: { go: true },
  steps: Array.from({ length: count }, (_, at) => ({
    id: `s${at}`,
    capability: 'noop',
    phase: `p${Math.floor(at / phase)}`,
    when: 'params.go',
    ...(at < phase ? {} : { depends_on: [`s${at - phase}`], input: { n: `\${{ steps.s${at - phase}.output.n }}` } }),
  })),
});
const phase = 1_000;
