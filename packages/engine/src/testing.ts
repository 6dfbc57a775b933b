// Given, when, then: a small world around `decide` for tests. It keeps what was ordered, set and asked, so that a test reads as the rulebook.
import { defaultSettings, type DecidedBody, type Effect, type Event, type Json, type OrderDraft, type Plan, type Report, type Settings, type StepRecord, type Submission, type TaskRecord } from '@capstan/contracts';
import { decide } from './decide.ts';
import { sha256 } from './hash.ts';
import { recordOf } from './snapshot.ts';
import type { TaskState } from './state.ts';

type Order = Extract<Effect, { kind: 'order' }>;
type Wake = Extract<Effect, { kind: 'wake' }>;
type Request = { [K in keyof Submission as string extends K ? never : K]?: Submission[K] };
type Given = Omit<Request, 'plan'> & {
  steps?: unknown[];
  plan?: unknown;
  settings?: Partial<Settings>;
  routes?: Record<string, string>;
};

/** Distributes over the union, as `Omit` doesn't. */
type Told<T> = T extends Event ? Omit<T, 'seq' | 'at'> : never;

export class World {
  state: TaskState | null = null;
  seq = 0;
  at = Date.UTC(2026, 0, 1);
  readonly events: Event[] = [];
  readonly effects: Effect[] = [];
  readonly timers = new Map<number, Wake>();
  /** What the last event changed nothing for, if it didn't. */
  ignored: string | null = null;

  tell(told: Told<Event>): this {
    this.seq += 1;
    const event = { ...told, seq: this.seq, at: this.at } as Event;
    this.events.push(event);
    const { state, effects, ignored } = decide(this.state, event);
    this.state = state;
    this.ignored = ignored;
    for (const effect of effects) {
      this.effects.push(effect);
      if (effect.kind === 'wake') this.timers.set(effect.n, effect);
      if (effect.kind === 'unwake') this.timers.delete(effect.n);
    }
    return this;
  }

  get record(): TaskRecord {
    if (this.state === null) throw new Error('no task yet');
    return recordOf(this.state, { whole: true });
  }
  get status(): string {
    return this.record.status;
  }
  step(id: string): StepRecord {
    const step = this.record.steps[id];
    if (step === undefined) throw new Error(`no step "${id}"; there are ${Object.keys(this.record.steps).join(', ')}`);
    return step;
  }
  of<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  }
  orders(): string[] {
    return this.of('order').map(({ order }) => `${order.step_id}.${order.attempt}`);
  }
  lastOrder(step: string): OrderDraft {
    const order = this.of('order').findLast((effect: Order) => effect.order.step_id === step)?.order;
    if (order === undefined) throw new Error(`"${step}" was never ordered`);
    return order;
  }

  report(step: string, said: Partial<Report> = {}): this {
    const { attempt } = this.lastOrder(step);
    const outcome = said.error === undefined ? 'succeeded' : 'failed';
    const report: Report = { task_id: this.record.task_id, step_id: step, attempt, lease: '', agent: 'test.1', outcome, output: {}, ...said };
    return this.tell({ kind: 'report', step, attempt: said.attempt ?? attempt, queue: 'executor', report });
  }
  fail(step: string, code = 'flaky', more: Partial<NonNullable<Report['error']>> = {}): this {
    return this.report(step, { error: { code, message: `${code}!`, ...more } });
  }
  /** Lets the timer that is due first ring. */
  wake(why?: Wake['why']): this {
    const due = [...this.timers.values()].filter((timer) => why === undefined || timer.why === why).toSorted((a, b) => a.at - b.at || a.n - b.n)[0];
    if (due === undefined) throw new Error(`no timer ${why ?? ''} is set`);
    this.timers.delete(due.n);
    this.at = Math.max(this.at, due.at);
    return this.tell({ kind: 'woke', n: due.n, step: due.step });
  }
  askedId(step: string): string {
    const ask = this.of('ask').findLast(({ intervention }) => intervention.step_id === step);
    if (ask === undefined) throw new Error(`nothing was asked about "${step}"`);
    return ask.intervention.id;
  }
  decide(step: string, decision: DecidedBody['decision'], more: { by?: string; role?: string; reason?: string; value?: Json } = {}): this {
    return this.tell({ kind: 'decided', id: this.askedId(step), body: { decision, by: 'alice', ...more } });
  }
  command(command: 'cancel' | 'pause' | 'resume' | 'start' | 'retry' | 'skip', step_id?: string): this {
    return this.tell({ kind: 'commanded', id: `c${this.seq}`, body: { command, by: 'alice', ...(step_id === undefined ? {} : { step_id }) } });
  }
}

const everyCapability = ['noop', 'echo', 'shell', 'verify', 'plan', 'notify', 'fail'];

/** A task with these steps, or this plan, just submitted. Each capability has one queue of its own name unless `routes` says otherwise. */
export const given = (said: Given): World => {
  const { steps, plan, settings, routes, ...request } = said;
  const whole = (plan ?? (steps === undefined ? null : { steps })) as Plan | null;
  const world = new World();
  return world.tell({
    kind: 'submitted',
    taskId: request.task_id ?? 't1',
    request: request as Submission,
    plan: whole,
    planHash: whole === null ? null : sha256(JSON.stringify(whole)),
    settings: { ...defaultSettings, ...settings },
    routes: routes ?? Object.fromEntries(everyCapability.map((name) => [name, name])),
    body: {} as never,
  });
};

/** A step in few words. */
export const step = (id: string, ...rest: (string | Record<string, unknown>)[]): Record<string, unknown> => {
  const depends_on = rest.filter((item) => typeof item === 'string');
  const more = rest.filter((item) => typeof item === 'object');
  return { id, capability: 'noop', ...(depends_on.length > 0 ? { depends_on } : {}), ...Object.assign({}, ...more) };
};
