// How long deciding takes: `node packages/engine/src/bench.ts` prints microseconds per event, decide alone, nothing stored or sent.
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

interface Run {
  readonly submitMs: number;
  readonly reportMs: number;
  readonly reports: number;
}

/** As many events as a coordinator reads at once. */
const batch = 500;

type Clock = () => number;

/** What this thread has worked, in milliseconds; what others on the machine do is no part of it. Too coarse for a single small task. */
const work: Clock = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};
const wall: Clock = () => performance.now();

/** Runs one task to its end; only the calls of `decide` are timed. */
const run = (taskId: string, plan: Plan, clock: Clock): Run => {
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

const family = (count: number): Plan => ({
  steps: [
    { id: 'work', capability: 'noop', input: { a: 1 }, each: { count } },
    { id: 'join', capability: 'noop', depends_on: ['work'] },
  ],
});
const chain = (length: number): Plan => ({
  steps: Array.from({ length }, (_, at) => ({
    id: `s${at}`,
    capability: 'noop',
    input: { a: at },
    ...(at === 0 ? {} : { depends_on: [`s${at - 1}`] }),
  })),
});

/**
 * Small tasks by the wall clock, the best of many short rounds: the machine is shared, and what disturbs only ever adds. Large ones by the work
 * of this thread, all rounds together: that clock is too coarse for one.
 */
const measure = (name: string, plan: Plan, tasks: number, rounds: number, clock: Clock): void => {
  const found = Array.from({ length: rounds }, () => {
    const all = Array.from({ length: tasks }, (_, task) => run(`${name}-${task}`, plan, clock));
    const sum = (of: (one: Run) => number) => all.reduce((total, one) => total + of(one), 0);
    return {
      submit: (sum((one) => one.submitMs) * 1_000) / tasks,
      report: (sum((one) => one.reportMs) * 1_000) / sum((one) => one.reports),
    };
  });
  const pick = (of: (round: (typeof found)[number]) => number) =>
    clock === wall ? Math.min(...found.map(of)) : found.reduce((total, round) => total + of(round), 0) / rounds;
  const [report, submit] = [pick((round) => round.report), pick((round) => round.submit)];
  const figures = [report.toFixed(2).padStart(9), submit.toFixed(2).padStart(12)];
  process.stdout.write(`${name.padEnd(22)} ${figures[0]} µs per report ${figures[1]} µs per submission\n`);
};

measure('single step', chain(1), 500, 200, wall);
measure('chain of 10', chain(10), 100, 200, wall);
measure('family of 1,000', family(1_000), 1, 60, work);
measure('family of 5,000', family(5_000), 1, 20, work);
measure('family of 50,000', family(50_000), 1, 5, work);
measure('chain of 10,000', chain(10_000), 1, 10, work);
