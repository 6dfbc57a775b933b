// The log, replayed through the engine while it grows: what state each task and each other actor is in at each sequence, and what had to be said
// by then. After every event the engine's own laws are checked too. Nothing here asks a coordinator.
import { type Broker, decodeTrusted, type KeyRing, partitionOf } from '@capstan/bus';
import { actorKindOf, type Effect, type Event, limits, parseEventSubject, type Settings } from '@capstan/contracts';
import {
  type ActorEffect,
  type ActorEvent,
  type ActorKind,
  actorRules,
  actorsByKind,
  attemptMs,
  decide,
  firstRules,
  taskEnded,
  type TaskState,
} from '@capstan/engine';
import { judgeActor } from './actor-rules.ts';
import { check, type Ledger, newLedger } from '@capstan/engine/testing';
import { eventOf, type Said, type Stored } from './events.ts';
import { judge } from './rules.ts';

const durable = ['order', 'bury', 'ask', 'keep', 'spawn', 'steer', 'inform', 'say'] as const;
type DurableKind = (typeof durable)[number];

/** A durable effect: it must be stored before any snapshot that covers its cause. */
export interface Owed {
  readonly seq: number;
  readonly effect: Extract<Effect, { kind: DurableKind }> | Extract<ActorEffect, { kind: 'tell' | 'submit' }>;
}

export interface Version<State> {
  readonly seq: number;
  readonly at: number;
  /** Of an actor, with that event. */
  readonly rules?: number;
  readonly state: State;
}

/** Whatever has events and snapshots of its own, as the log has it. */
export interface Followed<State = unknown> {
  readonly id: string;
  readonly partition: number;
  readonly versions: Version<State>[];
  readonly owed: Owed[];
}

export interface FollowedTask extends Followed<TaskState> {
  readonly key: string;
  readonly orders: Map<string, Owed>;
  /** The timers that are set just now. */
  readonly timers: Map<number, Extract<Effect, { kind: 'wake' }>>;
  readonly ledger: Ledger;
  /** Where in the log everything is that was said to it by whoever may. */
  readonly said: number[];
  /** Which of that are commands, by who gave them. */
  readonly commands: Map<string, number>;
  /** The event up to which the archive has it; null while it is kept. */
  archived: number | null;
  /** One breach of a law brings others with it: only the first is told. */
  broken: boolean;
}

export interface OracleOptions {
  readonly broker: Broker;
  readonly ring: KeyRing;
  readonly settings: Settings;
  readonly partitions: number;
  readonly wrong: (text: string) => void;
}

export class Oracle {
  readonly tasks = new Map<string, FollowedTask>();
  readonly actors = new Map<string, Followed>();
  /** Whoever gave a command that came after its task had gone to the archive. */
  readonly tooLate = new Set<string>();
  readonly #said = new Set<string>();
  /** Tasks that a schedule has told to stop. */
  readonly #cancelled = new Set<string>();
  readonly #options: OracleOptions;

  constructor(options: OracleOptions) {
    this.#options = options;
  }

  hear(message: Stored): void {
    const { broker, wrong, partitions } = this.#options;
    const said = parseEventSubject(broker.names, message.subject);
    if (said === null) return wrong(`"${message.subject}" is no event`);
    const known = this.tasks.get(said.task);
    const key = known?.key ?? keyIn(message);
    // Forged, or about a task that is not there: it must change nothing.
    if (key === null || !this.#isGenuine(key, message.subject, said.token)) return;
    if (said.partition !== partitionOf(said.task, partitions)) return;
    this.#said.add(nameOf(said));
    try {
      if (actorKindOf(said.task) !== null) this.#onActor(said, message);
      else this.#onTask(said, message, key, known);
    } catch (error) {
      if (known?.broken !== true)
        wrong(`${nameOf(said)} (${message.seq}): ${error instanceof Error ? error.message : String(error)}`);
      if (known !== undefined) known.broken = true;
    }
  }

  /** Whether an event of that name is in the log. */
  knows(task: string, ...name: readonly (string | number)[]): boolean {
    return this.#said.has([task, ...name].join('.'));
  }

  /** The newest state; null where the log doesn't know the task. */
  stateOf(id: string): TaskState | null {
    return this.tasks.get(id)?.versions.at(-1)?.state ?? null;
  }

  /** It is as the archive has it: what was said after that is heard by nobody. */
  archive(task: FollowedTask, seq: number): void {
    task.archived = seq;
    task.versions.splice(task.versions.findLastIndex((version) => version.seq <= seq) + 1);
    const later = task.owed.findIndex((owed) => owed.seq > seq);
    if (later >= 0) task.owed.splice(later);
    for (const [subject, owed] of task.orders) if (owed.seq > seq) task.orders.delete(subject);
    for (const [by, at] of task.commands) if (at > seq) this.tooLate.add(by);
  }

  #isGenuine(key: string, subject: string, token: string): boolean {
    return this.#options.ring.check(key, subject.slice(0, subject.length - token.length - 1), token);
  }

  #onActor(said: Said & { readonly partition: number }, message: Stored): void {
    const name = actorKindOf(said.task);
    const kind: ActorKind<unknown> | undefined = name === null ? undefined : actorsByKind[name];
    if (kind === undefined) return;
    const actor = this.actors.get(said.task) ?? { id: said.task, partition: said.partition, versions: [], owed: [] };
    this.actors.set(said.task, actor);
    const { seq, at } = message;
    const body = decodeTrusted(message.data) as ActorEvent['body'];
    const before = actor.versions.at(-1)?.state ?? null;
    const rules = actorRules(actor.versions.at(-1)?.rules ?? firstRules, body);
    const event: ActorEvent = { id: said.task, seq, at, kind: said.kind, name: said.name, body, rules };
    const { state, effects } = kind.decide(before ?? kind.begin, event);
    actor.versions.push({ seq, at, rules, state });
    for (const effect of effects) if (effect.kind === 'cancel') this.#cancelled.add(effect.task);
    judgeActor(
      {
        ...{ id: said.task, kind: kind.kind, event, before, state, effects },
        submitted: actor.owed.flatMap(({ effect }) =>
          effect.kind === 'submit' ? [String(effect.request['task_id'])] : [],
        ),
        isOver: (task) => this.#isOver(said.task, task),
      },
      this.#options.wrong,
    );
    for (const effect of effects)
      if (effect.kind === 'tell' || effect.kind === 'submit') actor.owed.push({ seq, effect });
  }

  /** It has ended once, was told to, or was refused; a person may have brought it back since, or sent it again. */
  #isOver(actor: string, task: string): boolean {
    if (this.#cancelled.has(task)) return true;
    const versions = this.tasks.get(task)?.versions ?? [];
    return this.knows(actor, 'refused', task) || versions.some(({ state }) => taskEnded(state.status));
  }

  #onTask(
    said: Said & { readonly partition: number },
    message: Stored,
    key: string,
    known: FollowedTask | undefined,
  ): void {
    if (known !== undefined) {
      if (said.kind === 'submitted' && known.archived !== null)
        this.#options.wrong(`${known.id} is archived, and was begun anew at ${message.seq}`);
      known.said.push(message.seq);
      if (said.kind === 'commanded') this.#onCommand(known, message);
      if (known.archived !== null) return;
    }
    if (known === undefined ? said.kind !== 'submitted' : said.kind === 'submitted') return;
    const event = eventOf(this.#options.broker, this.#options.settings, said, message);
    if (event !== null) this.#decide(known ?? this.#begin(said.task, key, said.partition, message.seq), event);
  }

  #onCommand(task: FollowedTask, { seq, data }: Stored): void {
    const { by } = decodeTrusted(data) as { by?: unknown };
    if (typeof by !== 'string') return;
    task.commands.set(by, seq);
    if (task.archived !== null) this.tooLate.add(by);
  }

  #begin(id: string, key: string, partition: number, seq: number): FollowedTask {
    const task: FollowedTask = {
      id,
      key,
      partition,
      versions: [],
      owed: [],
      orders: new Map(),
      timers: new Map(),
      ledger: newLedger(),
      said: [seq],
      commands: new Map(),
      archived: null,
      broken: false,
    };
    this.tasks.set(id, task);
    return task;
  }

  #decide(task: FollowedTask, event: Event): void {
    const before = task.versions.at(-1)?.state ?? null;
    if (event.kind === 'woke') this.#onTime(task, event);
    const decision = decide(before, event);
    if (decision.state === null) return;
    task.versions.push({ seq: event.seq, at: event.at, state: decision.state });
    for (const effect of decision.effects) this.#owe(task, effect, event.seq);
    judge(before, event, decision, this.#options.wrong);
    if (!task.broken && decision.state.steps.length <= checkedMax) check(task.ledger, before, event, decision);
  }

  #owe(task: FollowedTask, effect: Effect, seq: number): void {
    if (effect.kind === 'wake') task.timers.set(effect.n, effect);
    if (effect.kind === 'unwake') task.timers.delete(effect.n);
    if (!isDurable(effect)) return;
    const owed = { seq, effect };
    task.owed.push(owed);
    if (effect.kind !== 'order') return;
    const { step_id, attempt } = effect.order;
    const subject = this.#options.broker.names.order(effect.queue, task.id, step_id, attempt);
    if (task.orders.has(subject)) this.#options.wrong(`${subject} follows from the log twice`);
    task.orders.set(subject, owed);
  }

  /** A timer is due by being said; nobody says it before its time, and no attempt is late that nobody was given. */
  #onTime(task: FollowedTask, { n, at }: Extract<Event, { kind: 'woke' }>): void {
    const timer = task.timers.get(n);
    if (timer === undefined) return;
    task.timers.delete(n);
    const { broker, wrong } = this.#options;
    if (at < timer.at) wrong(`timer ${n} of ${task.id} rang ${timer.at - at} ms before its time`);
    if (timer.why !== 'attempt') return;
    const { streams, order } = broker.names;
    const waits = broker.streams.get(streams.orders)?.newest(order('*', task.id, timer.step ?? '', timer.attempt));
    const queue = broker.queues.get(`${streams.orders}/${waits?.subject.split('.')[2]}`);
    if (waits === undefined || queue === undefined) return;
    const state = task.versions.at(-1)?.state;
    const lasts = state === undefined ? 0 : attemptMs(state, timer.step ?? '');
    const givenAt = queue.givenAt.get(waits.seq) ?? Infinity;
    // Where it was handed out before anybody could hear that it was not, it has what is left.
    if (givenAt > timer.at + limits.requestTimeoutMs && at < givenAt + lasts)
      wrong(`${waits.subject} counts as late at ${at}; it was handed out at ${givenAt}, for ${lasts} ms`);
  }
}

const isDurable = (effect: Effect): effect is Extract<Effect, { kind: DurableKind }> =>
  (durable as readonly string[]).includes(effect.kind);

const nameOf = ({ task, kind, name }: Said): string => [task, kind, ...name].join('.');

const keyIn = (message: Stored): string | null => {
  const { key } = decodeTrusted(message.data) as { key?: unknown };
  return typeof key === 'string' ? key : null;
};

/** The laws look at every step after every event. */
const checkedMax = 40;
