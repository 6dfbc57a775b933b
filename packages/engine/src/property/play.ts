// Plays one random task to its end: an endless tape of numbers chooses what happens next, first anything at all, then only what helps. The
// same tape plays the same game.
import assert from 'node:assert/strict';
import {
  type Command,
  defaultSettings,
  type Effect,
  type Event,
  type Finding,
  type Intervention,
  intervention,
  order,
  type Plan,
  type Report,
  type Settings,
  taskRecord,
} from '@capstan/contracts';
import { type Decision, decide } from '../decide.ts';
import { findingId } from '../finding-id.ts';
import { deepFreeze } from '../freeze.ts';
import { sha256 } from '../hash.ts';
import { pageOf, recordOf, restore } from '../snapshot.ts';
import type { TaskState } from '../state.ts';
import { check, type Ledger, newLedger } from './invariants.ts';
import type { RandomTask } from './plans.ts';

type Order = Extract<Effect, { kind: 'order' }>['order'];
type Submitted = Extract<Event, { kind: 'submitted' }>;
type Told<T> = T extends Event ? Omit<T, 'seq' | 'at'> : never;

const routes = { noop: 'executor', verify: 'verifier', notify: 'notifier', plan: 'planner' };
const commands: Command[] = ['cancel', 'pause', 'resume', 'start', 'retry', 'skip'];

export class Play {
  state: TaskState | null = null;
  /** The same task in another coordinator, which reads it from its snapshot before every event. */
  #other: TaskState | null = null;
  readonly events: Event[] = [];
  readonly outcomes: string[] = [];
  readonly ledger: Ledger = newLedger();
  readonly #orders: Order[] = [];
  readonly #asks: Intervention[] = [];
  readonly #buried: string[] = [];
  readonly #tape: readonly number[];
  readonly #plan: Plan;
  #next = 0;
  #seq = 0;
  #at = Date.UTC(2026, 0, 1);
  #added = 0;

  constructor(task: RandomTask, tape: readonly number[], settings: Partial<Settings> = {}) {
    this.#tape = tape;
    this.#plan = task.plan;
    this.tell({
      kind: 'submitted',
      taskId: 't1',
      request: task.request as Submitted['request'],
      plan: task.byPlanner ? null : task.plan,
      planHash: task.byPlanner ? null : sha256(JSON.stringify(task.plan)),
      settings: { ...defaultSettings, ...settings },
      routes,
      body: {} as never,
    });
  }

  /** Everything that goes out, as the contract has it. */
  conform(): void {
    for (const draft of this.#orders)
      if (draft.capability !== 'task') order.parse({ ...draft, lease: 'l', report_to: 'r' });
    for (const asked of this.#asks) intervention.parse(asked);
    taskRecord.parse(recordOf(this.state as TaskState, { whole: true }));
  }

  /** The news that errands were ordered for. */
  get told(): unknown[] {
    return this.#orders.flatMap(({ capability, input }) => (capability === 'notify' ? [input['event']] : []));
  }

  get over(): boolean {
    return this.#next >= this.#tape.length;
  }

  /** The next number of the tape, below `most`; nothing but zeros once it is over. */
  #pick(most: number): number {
    const number = this.#tape[this.#next] ?? 0;
    this.#next += 1;
    return most <= 0 ? 0 : number % most;
  }
  #oneOf<T>(items: readonly T[]): T | undefined {
    return items[this.#pick(items.length)];
  }

  tell(told: Told<Event>): Decision {
    this.#seq += 1;
    // A clock may go backwards from one message to the next; the task's own time doesn't.
    const event = deepFreeze({ ...told, seq: this.#seq, at: this.#at } as Event);
    this.events.push(event);
    const before = this.state;
    const decision = decide(before, event);
    deepFreeze(decision);
    this.state = decision.state;
    this.outcomes.push(JSON.stringify([decision.effects, decision.ignored]));
    for (const effect of decision.effects) {
      if (effect.kind === 'order') this.#orders.push(effect.order);
      if (effect.kind === 'spawn') this.#orders.push(doneByTask(effect));
      if (effect.kind === 'ask') this.#asks.push(effect.intervention);
      if (effect.kind === 'bury') this.#buried.push(effect.step);
    }
    check(this.ledger, before, event, decision);
    this.#compare(event, decision);
    return decision;
  }

  /** A coordinator that has just read the snapshot decides the same, and its snapshot is the same to the letter. */
  #compare(event: Event, decision: Decision): void {
    const other = decide(this.#other, event);
    assert.deepEqual(other.effects, decision.effects, 'decided otherwise from a snapshot');
    const state = decision.state as TaskState;
    const text = JSON.stringify(recordOf(state, { whole: true }));
    const restored = reread(state, this.events[0] as Submitted);
    assert.deepEqual(restored, state, 'a state is not what its snapshot says');
    assert.equal(JSON.stringify(recordOf(restored, { whole: true })), text, 'a snapshot is not what it was read from');
    assert.equal(
      JSON.stringify(recordOf(other.state as TaskState, { whole: true })),
      text,
      'the other snapshot differs',
    );
    this.#other = deepFreeze(restored);
  }

  #running(): Order[] {
    const { steps } = recordOf(this.state as TaskState, { whole: true });
    return this.#orders.filter(
      (order) => steps[order.step_id]?.status === 'running' && steps[order.step_id]?.attempt === order.attempt,
    );
  }

  /** Something happens; perhaps nothing that makes sense. */
  disturb(): void {
    this.#at += [0, 1, 1_000, 60_000, -500][this.#pick(5)] as number;
    const kind = this.#pick(20);
    const state = this.state as TaskState;
    const names = [...this.ledger.stepStatus.keys(), 's0', 's1', 'nobody', 'constructor', '_plan'];
    if (kind < 8) return void this.#report(this.#oneOf(this.#running()));
    if (kind < 10) return void this.#report(this.#oneOf(this.#orders), true);
    if (kind < 12) return void this.#wake(this.#oneOf([...this.ledger.timers.values()]));
    if (kind === 12)
      return void this.tell({ kind: 'woke', n: this.#pick(20), step: this.#oneOf([null, ...names]) as string | null });
    if (kind < 15) return void this.#decide();
    if (kind === 15) return void this.#route(this.#oneOf([...this.ledger.routes.values()]));
    if (kind === 16) {
      const step = this.#oneOf(names) as string;
      return void this.tell(
        this.#pick(2) === 0
          ? { kind: 'unrouted', step, attempt: 1 + this.#pick(3), reason: 'nobody offers it' }
          : { kind: 'redriven', id: 'd1', step: this.#oneOf([...this.#buried, step]) as string, by: 'alice' },
      );
    }
    if (kind === 17) {
      const event = this.#oneOf(this.events.slice(1));
      if (event === undefined || event.kind === 'routed') return;
      const { seq: _, at: __, ...told } = event;
      return void this.tell(told as Told<Event>);
    }
    if (kind === 18) {
      const name = [findingId('t1', this.#oneOf(names) as string, found)];
      return void this.tell({ kind: 'told', what: 'resolved', name, body: { by: 'alice' } });
    }
    const command = this.#oneOf(commands) as Command;
    const step_id = this.#pick(3) === 0 ? undefined : (this.#oneOf(names) as string);
    // A task that is cancelled at every turn shows little.
    if (command === 'cancel' && this.#pick(8) > 0) return;
    this.tell({
      kind: 'commanded',
      id: `c${state.seq}`,
      body: { command, by: 'alice', ...(step_id === undefined ? {} : { step_id }) },
    });
  }

  #report(order: Order | undefined, isForeign = false): void {
    if (order === undefined) return;
    const outcome = (['succeeded', 'failed', 'question', 'cancelled', 'failed'] as const)[this.#pick(12)];
    this.#say(order, outcome ?? 'succeeded', isForeign ? this.#pick(3) - 1 : 0);
  }

  #say(order: Order, outcome: Report['outcome'], off = 0): void {
    const { step_id, attempt, capability } = order;
    const output =
      capability === 'verify'
        ? {
            passed: this.#pick(3) !== 1,
            checks: [],
            ...(this.#pick(6) === 1 ? { thresholds: { max_minor: 0, over: 'abort' } } : {}),
          }
        : capability === 'plan'
          ? { plan: step_id === '_plan' ? (this.#pick(4) === 1 ? { steps: [] } : this.#plan) : this.#newPlan() }
          : { n: this.#pick(2), list: ['a', 'b', 'c'].slice(0, this.#pick(4)) };
    const adds = outcome === 'succeeded' && capability === 'noop' && this.#pick(8) === 1;
    const report = {
      task_id: 't1',
      step_id,
      attempt: attempt + off,
      lease: '',
      agent: 'test.1',
      outcome,
      output,
      usage: { tokens_in: 1, wall_ms: 1 },
      ...(outcome === 'failed'
        ? { error: { code: 'broken', message: 'It broke.', retryable: this.#pick(8) !== 1 } }
        : {}),
      ...(outcome === 'question' ? { question: { text: 'Which one?', state: { asked: true } } } : {}),
      ...(adds ? { add_steps: [this.#addition(step_id)] } : {}),
      ...(this.#pick(9) === 1
        ? {
            artifacts: [{ name: 'a.txt', size: 1, sha256: 'x', ref: 'y' }],
            findings: [found],
          }
        : {}),
    };
    this.tell({ kind: 'report', step: step_id, attempt: attempt + off, queue: 'executor', report: report as Report });
  }

  /** Mostly one that can be taken. */
  #newPlan(): unknown {
    this.#added += 1;
    const fresh = { id: `r${this.#added}`, capability: 'noop' };
    const kind = this.#pick(5);
    if (kind === 1) return this.#plan;
    if (kind === 2) return { steps: [{ ...fresh, depends_on: ['s0'] }] };
    return { steps: kind === 3 ? [...this.#plan.steps.slice(0, 1), fresh] : [fresh] };
  }

  #addition(by: string): Record<string, string | string[]> {
    this.#added += 1;
    // Now and then a name that is taken.
    const id = this.#pick(4) === 1 ? 's0' : `x${this.#added}`;
    const phase = this.#plan.phases?.[0]?.name;
    const isPhased = phase !== undefined && this.#pick(3) === 1;
    const on = by.startsWith('s') && this.#pick(2) === 1 ? [by.split('-')[0] as string] : [];
    return { id, capability: 'noop', ...(on.length > 0 ? { depends_on: on } : {}), ...(isPhased ? { phase } : {}) };
  }

  #wake(timer: Extract<Effect, { kind: 'wake' }> | undefined): void {
    if (timer === undefined) return;
    this.#at = Math.max(this.#at, timer.at);
    this.tell({ kind: 'woke', n: timer.n, step: timer.step });
  }

  #decide(): void {
    const state = this.state as TaskState;
    const id = this.#oneOf([...Object.keys(state.asks), ...state.interventions, 'constructor', '__proto__']) as string;
    const decision = (['approve', 'reject', 'answer'] as const)[this.#pick(3)] ?? 'approve';
    const value = this.#pick(3) === 1 ? 'skip' : { branch: 'main' };
    this.tell({
      kind: 'decided',
      id,
      body: { decision, by: 'bob', role: this.#pick(4) === 1 ? 'guest' : 'lead', value },
    });
  }

  #route(route: Extract<Effect, { kind: 'route' }> | undefined): void {
    if (route === undefined) return;
    const name = `${route.step} ${route.attempt}`;
    this.ledger.routes.delete(name);
    this.ledger.saidRouted.add(name);
    const risk = this.#pick(4) === 1 ? { risk: 'high' as const } : {};
    this.tell({ kind: 'routed', step: route.step, attempt: route.attempt, queue: 'found', ...risk });
  }

  /** Everything that is waited for comes, one thing at a time; false once nothing is waited for. */
  help(): boolean {
    this.#at += 1_000;
    const state = this.state as TaskState;
    const [order] = this.#running();
    if (order !== undefined) {
      this.#say(order, 'succeeded');
      return true;
    }
    const [ask] = Object.values(state.asks);
    if (ask !== undefined) {
      const decision = ask.kind === 'question' ? 'answer' : ask.kind === 'flag' ? 'reject' : 'approve';
      this.tell({ kind: 'decided', id: ask.id, body: { decision, by: 'bob', role: 'lead', value: 1 } });
      return true;
    }
    const [route] = this.ledger.routes.values();
    if (route !== undefined) {
      this.#route(route);
      return true;
    }
    const timer = [...this.ledger.timers.values()].find(({ why }) => why === 'retry' || why === 'cancel');
    if (timer !== undefined) {
      this.#wake(timer);
      return true;
    }
    if (state.hold !== null) {
      this.tell({ kind: 'commanded', id: `h${state.seq}`, body: { command: 'resume', by: 'alice' } });
      return true;
    }
    if (state.counts.ready !== undefined) {
      this.tell({ kind: 'commanded', id: `h${state.seq}`, body: { command: 'start', by: 'alice' } });
      return true;
    }
    return false;
  }
}

/** What every agent finds now and then. */
const found: Finding = { severity: 'minor', category: 'test', message: 'm' };

/** The attempt that a sub-task does ends with a report like any other. */
const doneByTask = ({ step, attempt }: Extract<Effect, { kind: 'spawn' }>): Order =>
  ({ step_id: step, attempt, capability: 'task', input: {} }) as Partial<Order> as Order;

/** A state as another process finds it: through JSON, on pages where it has many steps. */
const reread = (state: TaskState, submitted: Submitted): TaskState => {
  const paged = recordOf(state, { whole: false, pageKey: (page) => `t1.steps.${page}` });
  const pages = paged.steps_in === undefined ? [] : state.steps.pages.map((_, page) => pageOf(state, page));
  return restore(JSON.parse(JSON.stringify(paged)), JSON.parse(JSON.stringify(pages)), submitted);
};

/** The same events, told again from the beginning. */
export const replay = (events: readonly Event[]): { readonly record: string; readonly outcomes: string[] } => {
  let state: TaskState | null = null;
  const outcomes: string[] = [];
  for (const event of events) {
    const decision: Decision = decide(state, event);
    state = decision.state;
    outcomes.push(JSON.stringify([decision.effects, decision.ignored]));
  }
  return { record: JSON.stringify(recordOf(state as TaskState, { whole: true })), outcomes };
};
