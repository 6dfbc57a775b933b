// A stream in memory, with what of JetStream the laws rest on: sequences, the newest of each subject, expectations, limits, age.
import { BusError } from '../error.ts';
import { nothing } from '../nats/wire.ts';
import type { Message } from '../port.ts';
import type { Clock } from './clock.ts';
import { matches, matchesAny } from './subject.ts';

export interface StreamConfig {
  readonly name: string;
  readonly subjects: readonly string[];
  /** An acknowledgement removes the message. */
  readonly workQueue: boolean;
  readonly perSubjectMax: number;
  readonly ageMs: number;
  readonly bytesMax: number;
  /** Full means refused; otherwise the oldest goes. */
  readonly discardNew: boolean;
  /** Tells who watches that a key's time is over. */
  readonly markers: boolean;
}

export interface Writing {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: [name: string, value: string][];
  /** The sequence of the subject's newest message; 0 for none, null for any. */
  readonly expect: number | null;
}

export class MemoryStream {
  readonly config: StreamConfig;
  readonly #clock: Clock;
  readonly #messages = new Map<number, MemoryMessage>();
  readonly #newest = new Map<string, number>();
  /** By all but its last token, the subjects that there are: most questions with a wildcard have it at their end. */
  readonly #siblings = new Map<string, Set<string>>();
  /** Ids that were said within the window. */
  readonly #ids = new Map<string, { seq: number; at: number }>();
  /** Called when there is something new. */
  readonly listeners = new Set<() => void>();
  /** Called when a message is gone: acknowledged, purged, replaced, too old. */
  readonly onRemove = new Set<(message: MemoryMessage) => void>();
  /** Called when the end was lost. */
  readonly onTruncate = new Set<() => void>();
  first = 1;
  last = 0;
  bytes = 0;

  constructor(config: StreamConfig, clock: Clock) {
    this.config = config;
    this.#clock = clock;
  }

  get count(): number {
    return this.#messages.size;
  }

  at(seq: number): MemoryMessage | undefined {
    return this.#messages.get(seq);
  }

  newestSeq(subject: string): number {
    return this.#newest.get(subject) ?? 0;
  }

  newest(filter: string): MemoryMessage | undefined {
    const seq = this.#newest.get(filter);
    if (seq !== undefined) return this.#messages.get(seq);
    let found = 0;
    for (const subject of this.#candidates(filter)) {
      const newest = this.newestSeq(subject);
      if (newest > found && matches(filter, subject)) found = newest;
    }
    return this.#messages.get(found);
  }

  #candidates(filter: string): Iterable<string> {
    const isLastOnly = filter.endsWith('.*') && filter.indexOf('*') === filter.length - 1;
    return isLastOnly ? (this.#siblings.get(parentOf(filter)) ?? []) : this.#newest.keys();
  }

  #named(subject: string, seq: number): void {
    this.#newest.set(subject, seq);
    const parent = parentOf(subject);
    const siblings = this.#siblings.get(parent);
    if (siblings === undefined) this.#siblings.set(parent, new Set([subject]));
    else siblings.add(subject);
  }

  #unnamed(subject: string): void {
    this.#newest.delete(subject);
    const parent = parentOf(subject);
    const siblings = this.#siblings.get(parent);
    siblings?.delete(subject);
    if (siblings?.size === 0) this.#siblings.delete(parent);
  }

  /** The first message after a sequence under these filters. */
  after(seq: number, filters: readonly string[]): MemoryMessage | undefined {
    for (let at = Math.max(seq + 1, this.first); at <= this.last; at++) {
      const message = this.#messages.get(at);
      if (message && matchesAny(filters, message.subject)) return message;
    }
    return undefined;
  }

  *all(filters: readonly string[], after = 0): Generator<MemoryMessage> {
    for (let message = this.after(after, filters); message; message = this.after(message.seq, filters)) yield message;
  }

  /** All or nothing. The sequences; null where an expectation fails. */
  write(writings: readonly Writing[]): number[] | null {
    const seen = new Set<string>();
    for (const { subject, expect } of writings) {
      if (expect !== null && (seen.has(subject) || this.newestSeq(subject) !== expect)) return null;
      seen.add(subject);
    }
    const size = writings.reduce((sum, writing) => sum + sizeOf(writing), 0);
    const { bytesMax, discardNew, name } = this.config;
    if (bytesMax > 0 && discardNew && this.bytes + size > bytesMax)
      throw new BusError('full', `${name}: maximum bytes exceeded`);
    const seqs = writings.map((writing) => this.#store(writing));
    for (const listener of [...this.listeners]) listener();
    return seqs;
  }

  /** Once within the window of ids, as `Nats-Msg-Id` has it. */
  seenId(id: string): number {
    const seen = this.#ids.get(id);
    return seen && this.#clock.now() - seen.at < idWindowMs ? seen.seq : 0;
  }

  rememberId(id: string, seq: number): void {
    const now = this.#clock.now();
    for (const [old, { at }] of this.#ids) {
      if (now - at < idWindowMs) break;
      this.#ids.delete(old);
    }
    this.#ids.set(id, { seq, at: now });
  }

  remove(seq: number): boolean {
    const message = this.#messages.get(seq);
    if (!message) return false;
    this.#messages.delete(seq);
    this.bytes -= sizeOf(message);
    if (this.#newest.get(message.subject) === seq) this.#unnamed(message.subject);
    while (this.first <= this.last && !this.#messages.has(this.first)) this.first++;
    for (const listener of this.onRemove) listener(message);
    return true;
  }

  forget(filters: readonly string[], before: number): number {
    let gone = 0;
    for (const message of [...this.all(filters)]) {
      if (message.seq >= before) break;
      if (this.remove(message.seq)) gone++;
    }
    return gone;
  }

  /** Loses its end, as a power cut under relaxed sync does. */
  truncate(last: number): void {
    for (let seq = this.last; seq > last; seq--) this.remove(seq);
    for (const message of this.#messages.values()) this.#named(message.subject, message.seq);
    this.last = Math.min(this.last, last);
    this.first = Math.min(this.first, this.last + 1);
    for (const listener of [...this.onTruncate]) listener();
  }

  #store({ subject, data, headers }: Writing): number {
    const seq = ++this.last;
    const message = new MemoryMessage(subject, data, headers, seq, this.#clock.now());
    const { perSubjectMax, ageMs, bytesMax } = this.config;
    const before = this.#newest.get(subject);
    this.#messages.set(seq, message);
    this.#named(subject, seq);
    if (perSubjectMax === 1 && before !== undefined) this.remove(before);
    this.bytes += sizeOf(message);
    while (bytesMax > 0 && this.bytes > bytesMax) this.remove(this.first);
    const ttlMs = message.header('Nats-TTL') === undefined ? ageMs : markerMs;
    if (ttlMs > 0) this.#clock.later(ttlMs, () => this.#expire(message));
    return seq;
  }

  #expire(message: MemoryMessage): void {
    if (this.#messages.get(message.seq) !== message) return;
    const newest = this.newestSeq(message.subject) === message.seq;
    this.remove(message.seq);
    if (!newest || !this.config.markers || message.header('Nats-Marker-Reason') !== undefined) return;
    const headers: [string, string][] = [
      ['Nats-Marker-Reason', 'MaxAge'],
      ['Nats-TTL', '60s'],
    ];
    this.write([{ subject: message.subject, data: nothing, headers, expect: null }]);
  }
}

export class MemoryMessage implements Message {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  readonly at: number;
  readonly #headers: [string, string][];

  constructor(subject: string, data: Uint8Array, headers: [string, string][], seq: number, at: number) {
    this.subject = subject;
    this.data = data;
    this.#headers = headers;
    this.seq = seq;
    this.at = at;
  }

  header(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.#headers.find(([key]) => key.toLowerCase() === wanted)?.[1];
  }

  headers(): [string, string][] {
    return this.#headers;
  }

  /** The same without its body. */
  bare(): MemoryMessage {
    return new MemoryMessage(
      this.subject,
      nothing,
      [...this.#headers, ['Nats-Msg-Size', String(this.data.length)]],
      this.seq,
      this.at,
    );
  }
}

const parentOf = (subject: string): string => subject.slice(0, subject.lastIndexOf('.'));

const sizeOf = (message: {
  subject: string;
  data: Uint8Array;
  headers: [string, string][] | (() => [string, string][]);
}): number => {
  const headers = typeof message.headers === 'function' ? message.headers() : message.headers;
  return (
    22 +
    message.subject.length +
    message.data.length +
    headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
  );
};

const idWindowMs = 120_000;
const markerMs = 60_000;
