// Given, when, then: a small world around `decide` for tests. It keeps what was ordered, set and asked, so that a test reads as the rulebook;
// and after every event it checks the laws that hold for all of them, on a state that nothing can change.
import {
  type Command,
  type DecidedBody,
  defaultSettings,
  type Effect,
  type Event,
  type Json,
  type OrderDraft,
  type Parent,
  type Plan,
  type Report,
  type Risk,
  type Settings,
  type StepRecord,
  type Submission,
  type TaskRecord,
} from '@capstan/contracts';
import { decide } from './decide.ts';
import { deepFreeze } from './freeze.ts';
import { sha256 } from './hash.ts';
import { check, newLedger } from './property/invariants.ts';
import { recordOf } from './snapshot.ts';
import type { TaskState } from './state.ts';

export { check, newLedger };
export type { Ledger } from './property/invariants.ts';

type Of<K extends Effect['kind']> = Extract<Effect, { kind: K }>;
type Request = { [K in keyof Submission as string extends K ? never : K]?: Submission[K] };
type Given = Omit<Request, 'plan'> & {
  /** Whose step it does. */
  parent?: Parent;
  /** Those that it began under, where they are not the newest. */
  rules?: number;
  /** Whether breakers leave it to the test to answer for them; else they say at once that no circuit is open. */
  breakersSilent?: boolean;
  steps?: unknown[];
  /** A whole plan, where steps alone don't do. */
  plan?: unknown;
  settings?: Partial<Settings>;
  /** The queue of each capability that only one queue offers. */
  routes?: Record<string, string>;
  /** What agents say of the risk of capabilities. */
  risks?: Record<string, Risk>;
};

const checkedMax = 2_000;

/** Distributes over the union, as `Omit` doesn't. */
type Told<T> = T extends Event ? Omit<T, 'seq' | 'at'> : never;

export class World {
  state: TaskState | null = null;
  at = Date.UTC(2026, 0, 1);
  readonly events: Event[] = [];
  /** Everything that was ever decided, and what the last event brought. */
  readonly effects: Effect[] = [];
  last: readonly Effect[] = [];
  /** Why the last event changed nothing, if it didn't. */
  ignored: string | null = null;
  breakersSilent = false;
  readonly #ledger = newLedger();

  tell(told: Told<Event>): this {
    const event = deepFreeze({ ...told, seq: this.events.length + 1, at: this.at } as Event);
    this.events.push(event);
    const decision = deepFreeze(decide(this.state, event));
    // What looks at all steps again after each event is for plans of a reader's size.
    if ((decision.state?.steps.length ?? 0) <= checkedMax) check(this.#ledger, this.state, event, decision);
    this.state = decision.state;
    this.ignored = decision.ignored;
    this.last = decision.effects;
    this.effects.push(...decision.effects);
    if (!this.breakersSilent) this.#answer(decision.effects);
    return this;
  }
  /** What that brings is part of what came of the event. */
  #answer(said: readonly Effect[]): void {
    for (const effect of said) {
      if (effect.kind !== 'say' || effect.body['asks'] !== true) continue;
      const { ignored, last } = this;
      this.told('passed', [...effect.name.slice(2).map(String), effect.body['of'] as string]);
      this.ignored = ignored;
      this.last = [...last, ...this.last];
    }
  }

  get record(): TaskRecord {
    if (this.state === null) throw new Error('no task yet');
    return recordOf(this.state, { whole: true });
  }
  get status(): string {
    return this.record.status;
  }
  get reason(): string {
    return this.record.reason ?? '';
  }
  step(id: string): StepRecord {
    const step = this.record.steps[id];
    if (step === undefined) throw new Error(`no step "${id}"; there are ${Object.keys(this.record.steps).join(', ')}`);
    return step;
  }
  /** `{ a: 'running', b: 'pending' }` */
  statuses(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.record.steps).map(([id, { status }]) => [id, status]));
  }
  of<K extends Effect['kind']>(kind: K): Of<K>[] {
    return this.effects.filter((effect): effect is Of<K> => effect.kind === kind);
  }
  /** Every order so far: `a.1`, `a.2`, … */
  orders(): string[] {
    return this.of('order').map(({ order }) => `${order.step_id}.${order.attempt}`);
  }
  /** What the last event ordered. */
  ordered(): string[] {
    return this.last.flatMap((effect) =>
      effect.kind === 'order' ? [`${effect.order.step_id}.${effect.order.attempt}`] : [],
    );
  }
  lastOrder(step: string): OrderDraft {
    const effect = this.of('order').findLast(({ order }) => order.step_id === step);
    if (effect === undefined) throw new Error(`"${step}" was never ordered`);
    return effect.order;
  }
  timer(why: Of<'wake'>['why']): Of<'wake'> {
    const due = [...this.#ledger.timers.values()]
      .filter((timer) => timer.why === why)
      .toSorted((a, b) => a.at - b.at)[0];
    if (due === undefined) throw new Error(`no timer ${why} is set`);
    return due;
  }

  later(ms: number): this {
    this.at += ms;
    return this;
  }
  report(step: string, said: Partial<Report> = {}): this {
    const { attempt } = this.lastOrder(step);
    const outcome = said.error === undefined ? 'succeeded' : 'failed';
    const task_id = this.record.task_id;
    const report: Report = {
      task_id,
      step_id: step,
      attempt,
      lease: '',
      agent: 'test.1',
      outcome,
      output: {},
      ...said,
    };
    return this.tell({ kind: 'report', step, attempt: report.attempt, queue: 'executor', report });
  }
  /** The task that a step's work is. */
  spawned(step: string): Of<'spawn'> {
    const effect = this.of('spawn').findLast((one) => one.step === step);
    if (effect === undefined) throw new Error(`"${step}" has begun no task`);
    return effect;
  }
  /** How that task ended, as it tells its parent. */
  childEnds(step: string, said: Partial<Report> = {}): this {
    const { child, attempt } = this.spawned(step);
    const outcome = said.error === undefined ? 'succeeded' : 'failed';
    const report = { task_id: this.record.task_id, step_id: step, attempt, lease: '', agent: child, outcome, ...said };
    return this.tell({ kind: 'report', step, attempt, queue: 'task', report: report as Report });
  }
  /** All these steps succeed, one after the other. */
  done(...steps: string[]): this {
    for (const step of steps) this.report(step);
    return this;
  }
  fail(step: string, code = 'flaky', more: Partial<NonNullable<Report['error']>> = {}): this {
    return this.report(step, { error: { code, message: `${code}!`, ...more } });
  }
  question(step: string, text = 'Which branch?', more: Partial<NonNullable<Report['question']>> = {}): this {
    return this.report(step, { outcome: 'question', question: { text, ...more } });
  }
  /** Lets the timer that is due first ring. */
  wake(why: Of<'wake'>['why']): this {
    const due = this.timer(why);
    this.at = Math.max(this.at, due.at);
    return this.tell({ kind: 'woke', n: due.n, step: due.step });
  }
  askedId(step: string): string {
    const ask = this.of('ask').findLast(({ intervention }) => intervention.step_id === step);
    if (ask === undefined) throw new Error(`nothing was asked about "${step}"`);
    return ask.intervention.id;
  }
  intervention(step: string): Of<'ask'>['intervention'] {
    const id = this.askedId(step);
    return (this.of('ask').findLast(({ intervention }) => intervention.id === id) as Of<'ask'>).intervention;
  }
  decide(
    step: string,
    decision: DecidedBody['decision'],
    more: { by?: string; role?: string; reason?: string; value?: Json } = {},
  ): this {
    return this.tell({ kind: 'decided', id: this.askedId(step), body: { decision, by: 'alice', ...more } });
  }
  approve(step: string, more: { by?: string; role?: string } = {}): this {
    return this.decide(step, 'approve', more);
  }
  reject(step: string, reason?: string): this {
    return this.decide(step, 'reject', reason === undefined ? {} : { reason });
  }
  answer(step: string, value: Json): this {
    return this.decide(step, 'answer', { value });
  }
  command(command: Command, step_id?: string, reason?: string): this {
    const body = {
      command,
      by: 'alice',
      ...(step_id === undefined ? {} : { step_id }),
      ...(reason === undefined ? {} : { reason }),
    };
    return this.tell({ kind: 'commanded', id: `c${this.events.length}`, body });
  }
  routed(step: string, queue: string, attempt = 1, risk?: Risk): this {
    return this.tell({ kind: 'routed', step, attempt, queue, ...(risk === undefined ? {} : { risk }) });
  }
  unrouted(step: string, reason = 'no live agent offers it', attempt = 1): this {
    return this.tell({ kind: 'unrouted', step, attempt, reason });
  }
  /** Another actor says something to the task. */
  told(what: string, name: readonly string[], body: Readonly<Record<string, Json>> = {}): this {
    return this.tell({ kind: 'told', what, name, body });
  }
  redrive(step: string): this {
    return this.tell({ kind: 'redriven', id: `d${this.events.length}`, step, by: 'alice' });
  }
}

const everyCapability = ['noop', 'echo', 'shell', 'verify', 'plan', 'notify', 'fail'];

/** A task with these steps, or this plan, just submitted. Each capability has one queue of its own name unless `routes` says otherwise. */
export const given = (said: Given): World => {
  const { steps, plan, settings, routes, risks, parent, rules, breakersSilent, ...request } = said;
  const whole = (plan ?? (steps === undefined ? null : { steps })) as Plan | null;
  const world = new World();
  world.breakersSilent = breakersSilent === true;
  return world.tell({
    kind: 'submitted',
    taskId: request.task_id ?? 't1',
    request: request as Submission,
    plan: whole,
    planHash: whole === null ? null : sha256(JSON.stringify(whole)),
    settings: { ...defaultSettings, ...settings },
    routes: routes ?? Object.fromEntries(everyCapability.map((name) => [name, name])),
    body: {
      ...(parent === undefined ? {} : { parent }),
      ...(rules === undefined ? {} : { rules }),
      ...(risks === undefined ? {} : { risks }),
    } as never,
  });
};

/** A step in few words: its id, what it depends on, and whatever else it says. */
export const step = (id: string, ...rest: (string | Record<string, unknown>)[]): Record<string, unknown> => {
  const depends_on = rest.filter((item) => typeof item === 'string');
  const more = rest.filter((item) => typeof item === 'object');
  return { id, capability: 'noop', ...(depends_on.length > 0 ? { depends_on } : {}), ...Object.assign({}, ...more) };
};
