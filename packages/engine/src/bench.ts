// How long deciding takes: `node packages/engine/src/bench.ts` prints microseconds per event, decide alone, nothing stored or sent.
import { defaultSettings, type Effect, type Event, type Plan } from '@capstan/contracts';
import { decide } from './index.ts';
import type { TaskState } from './state.ts';

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

const reportFor = (effect: Extract<Effect, { kind: 'order' }>, seq: number): Event => {
  const { task_id, step_id, attempt } = effect.order;
  return {
    kind: 'report',
    seq,
    at: start + seq,
    step: step_id,
    attempt,
    queue: effect.queue,
    report: {
      task_id,
      step_id,
      attempt,
      lease: 'x',
      agent: 'bench.1',
      outcome: 'succeeded',
      output: { n: 1 },
      usage: { wall_ms: 3 },
    },
  };
};

interface Run {
  readonly submitMs: number;
  readonly reportMs: number;
  readonly reports: number;
}

/** Runs one task to its end; only the calls of `decide` are timed. */
const run = (taskId: string, plan: Plan): Run => {
  const first = submitted(taskId, plan);
  const began = performance.now();
  let { state, effects } = decide(null, first);
  const submitMs = performance.now() - began;
  let seq = 1;
  let reportMs = 0;
  let reports = 0;
  let orders = effects.filter((effect) => effect.kind === 'order');
  while (orders.length > 0) {
    const events = orders.map((effect) => reportFor(effect, (seq += 1)));
    const next: typeof orders = [];
    const from = performance.now();
    for (const event of events) {
      ({ state, effects } = decide(state, event));
      for (const effect of effects) if (effect.kind === 'order') next.push(effect);
    }
    reportMs += performance.now() - from;
    reports += events.length;
    orders = next;
  }
  if ((state as TaskState | null)?.status !== 'succeeded') throw new Error(`the task is ${state?.status}`);
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

/** The best of several rounds: the machine is shared, and what disturbs only ever adds. */
const measure = (name: string, plan: Plan, tasks: number, rounds = 7): void => {
  let submit = Infinity;
  let report = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    let submitMs = 0;
    let reportMs = 0;
    let reports = 0;
    for (let task = 0; task < tasks; task += 1) {
      const done = run(`${name}-${task}`, plan);
      submitMs += done.submitMs;
      reportMs += done.reportMs;
      reports += done.reports;
    }
    submit = Math.min(submit, (submitMs * 1_000) / tasks);
    report = Math.min(report, (reportMs * 1_000) / reports);
  }
  console.log(
    `${name.padEnd(22)} ${report.toFixed(2).padStart(9)} µs per report ${submit.toFixed(2).padStart(12)} µs per submission`,
  );
};

measure('single step', chain(1), 20_000);
measure('chain of 10', chain(10), 4_000);
measure('family of 1,000', family(1_000), 20);
measure('family of 5,000', family(5_000), 4);
measure('family of 50,000', family(50_000), 1);
measure('chain of 10,000', chain(10_000), 1);
