// What a NATS server is to one installation, in memory: its streams, its listeners, its power switch, and where faults come in. Buses connect to
// it as processes do to a server. For tests and simulation.
import { limits, type Names, namesOf } from '@capstan/contracts';
import { questionId, type Watcher } from '../asking.ts';
import { nothing } from '../nats/wire.ts';
import { streamsOf } from '../nats/streams.ts';
import { type Clock, realClock } from './clock.ts';
import { Queue } from './queue.ts';
import { MemoryStream } from './stream.ts';
import { matches as covers } from './subject.ts';

/** Asked at each step of a message's way; what it leaves out goes well. */
export interface Faults {
  /**
   * `lost` never arrives; `unanswered` is done, but nobody hears of it. Both are asked again after a while, as over NATS. `refused` is answered
   * by an error that asking again would not mend, as when a disk has failed.
   */
  onRequest?(what: string): 'lost' | 'unanswered' | 'refused' | undefined;
  /** Of work that is handed out. */
  onDelivery?(subject: string): 'lost' | 'twice' | undefined;
  /** Of an acknowledgement: the server says yes, and has forgotten it after its next start, so the message comes again (measured after kill -9). */
  onAck?(seq: number): 'forgotten' | undefined;
  /** Of core messages: they are lost without a sound. */
  onTell?(subject: string): 'lost' | undefined;
  /** How long a message takes on its way. */
  delayMs?(): number;
}

export interface BrokerOptions {
  readonly namespace?: string;
  readonly clock?: Clock;
  readonly faults?: Faults;
  readonly maxPayload?: number;
  readonly ackWaitMs?: number;
  readonly maxDeliver?: number;
  /** By name of a stream, where a test wants it small or short. */
  readonly bytesMax?: Readonly<Record<string, number>>;
  readonly ageMs?: Readonly<Record<string, number>>;
}

export interface Listener {
  readonly filter: string;
  readonly group: string | null;
  readonly hear: (subject: string, data: Uint8Array, headers: [string, string][], reply: string | null) => void;
}

export class Broker {
  readonly names: Names;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly maxPayload: number;
  readonly streams = new Map<string, MemoryStream>();
  readonly objects = new Map<string, Map<string, Uint8Array>>();
  readonly queues = new Map<string, Queue>();
  /** Called when the server is there again, and when a queue is gone: whoever takes from one has to look for it. */
  readonly onChange = new Set<() => void>();
  /** Whoever waits for an answer: told when the server is down, and when it is up. */
  readonly watchers = new Set<Watcher>();
  readonly #options: BrokerOptions;
  readonly #listeners: Listener[] = [];
  readonly #turns = new Map<string, number>();
  readonly #due = new Set<() => void>();
  #up = true;
  #inboxes = 0;
  #waiting: (() => void)[] = [];

  constructor(options: BrokerOptions = {}) {
    this.#options = options;
    this.names = namesOf(options.namespace);
    const clock = options.clock ?? realClock;
    this.clock = { now: clock.now, later: (ms, act) => this.#later(clock, ms, act) };
    this.faults = options.faults ?? {};
    this.maxPayload = options.maxPayload ?? 1_048_576;
    for (const { name, must, may } of streamsOf(this.names, {})) {
      if (name.startsWith('OBJ_')) continue;
      const config = { ...may, ...must };
      const number = (key: string): number => Math.max(0, Number(config[key] ?? 0));
      const stream = {
        name,
        subjects: config['subjects'] as string[],
        workQueue: config['retention'] === 'workqueue',
        perSubjectMax: number('max_msgs_per_subject'),
        ageMs: options.ageMs?.[name] ?? number('max_age') / 1e6,
        bytesMax: options.bytesMax?.[name] ?? number('max_bytes'),
        discardNew: config['discard'] === 'new',
        markers: number('subject_delete_marker_ttl') > 0,
      };
      // A year is no matter for a test, and a timer can't be set for it.
      this.streams.set(
        name,
        new MemoryStream(stream.ageMs > maxTimerMs ? { ...stream, ageMs: 0 } : stream, this.clock),
      );
    }
    this.openQueue(this.names.streams.tasks, 'coordinator', [], -1);
  }

  get up(): boolean {
    return this.#up;
  }

  /** The server is killed: nothing gets through, and what is stored stays. */
  down(): void {
    if (!this.#up) return;
    this.#up = false;
    for (const watcher of [...this.watchers]) watcher.broke?.();
  }

  /** And started again: whoever waited goes on. */
  rise(): void {
    const wasUp = this.#up;
    this.#up = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) act();
    for (const look of [...this.onChange]) look();
    if (!wasUp) for (const watcher of [...this.watchers]) watcher.restart();
  }

  whenUp(act: () => void): void {
    if (this.#up) act();
    else this.#waiting.push(act);
  }

  streamOf(subject: string): MemoryStream | undefined {
    for (const stream of this.streams.values())
      if (stream.config.subjects.some((filter) => covers(filter, subject))) return stream;
    return undefined;
  }

  openQueue(
    stream: string,
    name: string,
    filters: readonly string[],
    maxDeliver = this.#options.maxDeliver ?? limits.maxDeliver,
  ): void {
    const key = `${stream}/${name}`;
    if (this.queues.has(key)) return;
    const config = {
      name,
      filters,
      maxDeliver,
      ackWaitMs: this.#options.ackWaitMs ?? limits.ackWaitMs,
      maxAckPending: limits.maxAckPending,
    };
    const onExhausted = (seq: number, deliveries: number): void => {
      const subject = `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.${name}`;
      const body = JSON.stringify({ stream, consumer: name, stream_seq: seq, deliveries });
      this.streamOf(subject)?.write([{ subject, data: Buffer.from(body), headers: [], expect: null }]);
    };
    this.queues.set(key, new Queue(config, this.streams.get(stream) as MemoryStream, this.clock, onExhausted));
  }

  /** An operator deletes it. */
  closeQueue(stream: string, name: string): void {
    this.queues.get(`${stream}/${name}`)?.close();
    this.queues.delete(`${stream}/${name}`);
    for (const look of [...this.onChange]) look();
  }

  /** Nothing more happens: what was set for later is forgotten. */
  close(): void {
    for (const cancel of this.#due) cancel();
    this.#due.clear();
  }

  #later(clock: Clock, ms: number, act: () => void): () => void {
    const cancel = clock.later(ms, () => {
      this.#due.delete(cancel);
      act();
    });
    this.#due.add(cancel);
    return () => {
      this.#due.delete(cancel);
      cancel();
    };
  }

  listen(listener: Listener): () => void {
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners.indexOf(listener);
      if (at >= 0) this.#listeners.splice(at, 1);
    };
  }

  /** A plain publish: a stream that has its subject keeps it, and answers where an answer is asked for. How many heard it. */
  publish(subject: string, data: Uint8Array, headers: [string, string][], reply: string | null = null): number {
    const stream = this.#up ? this.streamOf(subject) : undefined;
    if (stream && this.faults.onTell?.(subject) !== 'lost') {
      const id = headers.find(([name]) => name === questionId)?.[1];
      const before = id === undefined ? 0 : stream.seenId(id);
      const [seq] = before > 0 ? [before] : (stream.write([{ subject, data, headers, expect: null }]) ?? []);
      if (id !== undefined && seq !== undefined) stream.rememberId(id, seq);
      if (reply !== null)
        this.tell(
          reply,
          Buffer.from(JSON.stringify({ stream: stream.config.name, seq, ...(before > 0 ? { duplicate: true } : {}) })),
        );
    }
    return this.tell(subject, data, headers, reply) + (stream ? 1 : 0);
  }

  inbox(): string {
    return `_INBOX.memory.${this.#inboxes++}`;
  }

  /** To every listener, and to one of each group. How many heard it. */
  tell(
    subject: string,
    data: Uint8Array = nothing,
    headers: [string, string][] = [],
    reply: string | null = null,
  ): number {
    if (!this.#up || this.faults.onTell?.(subject) === 'lost') return 0;
    const heard = this.#listeners.filter(({ filter }) => covers(filter, subject));
    const groups = new Map<string, Listener[]>();
    const chosen: Listener[] = [];
    for (const listener of heard) {
      if (listener.group === null) chosen.push(listener);
      else groups.set(listener.group, [...(groups.get(listener.group) ?? []), listener]);
    }
    for (const [group, members] of groups) {
      const turn = this.#turns.get(group) ?? 0;
      this.#turns.set(group, turn + 1);
      chosen.push(members[turn % members.length] as Listener);
    }
    for (const listener of chosen)
      this.clock.later(this.faults.delayMs?.() ?? 0, () => listener.hear(subject, data, headers, reply));
    return chosen.length;
  }
}

const maxTimerMs = 2_000_000_000;
