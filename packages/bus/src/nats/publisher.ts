// Publishes into streams: pipelined, by name or by revision, alone or as a group in one atomic batch. `js.publish` costs more than two
// further messages would; nats.js' own batches drop the expectations of all but the first message, silently (3.4.0, measured).
import type { BusError } from '../error.ts';
import type { Said, Saying } from '../port.ts';
import { type Asker, latin1 } from './asker.ts';
import { errorIn, isTaken, mayPass, refusal, seqIn } from './refusal.ts';
import { headerBytes, headerLines } from './wire.ts';

/** How messages that are due at once go together; pays where every acknowledgement waits for the disk (`sync_interval: always`). */
export interface Batching {
  /** Fewer than this are said one by one. */
  readonly min: number;
  /** Of one batch; the server takes at most 1,000. */
  readonly max: number;
  /** Groups on their way at a time, per stream. */
  readonly inflight: number;
}

/** What the stream answered. With `tries` above 1, an earlier try may have been stored without our hearing of it. */
export type Outcome = { readonly seq: number; readonly taken: boolean; readonly tries: number };

/** A message that follows a given one: 0 for none, null for any. */
export interface Following {
  readonly subject: string;
  readonly data: Uint8Array | string;
  readonly expect: number | null;
  /** Further headers, each a line with its end. */
  readonly lines?: string;
}

export class Publisher {
  readonly #asker: Asker;
  readonly #batching: Batching | null;
  readonly #queues = new Map<string, Queue>();
  readonly #unique: string;
  readonly #prefix: number;
  #count = 0;

  constructor(asker: Asker, unique: string, namespace: string, batching: Batching | null) {
    this.#asker = asker;
    this.#unique = unique;
    this.#prefix = namespace.length + 1;
    this.#batching = batching;
  }

  once(saying: Saying): Promise<Said> {
    return new Promise((resolve, reject) => {
      const due: Due = { saying, lines: headerLines(saying.headers) + unlessLine(saying), resolve, reject, done: null };
      // A large one may be larger than the server takes, and would take its batch with it.
      if (this.#batching === null || saying.data.length > largeBytes) return this.#single(due);
      const queue = this.#queueOf(saying.subject);
      queue.due.push(due);
      this.#arm(queue);
    });
  }

  /** The id makes it harmless to say again: the stream remembers ids for two minutes, and we give up sooner. */
  append(saying: Saying): Promise<Said> {
    const given = saying.headers?.['Nats-Msg-Id'] !== undefined;
    return new Promise((resolve, reject) => {
      const lines = (given ? '' : `Nats-Msg-Id: ${this.#nextId()}\r\n`) + headerLines(saying.headers);
      const headers = headerBytes(lines);
      const onAnswer = (answer: Uint8Array): boolean => {
        const text = latin1(answer);
        const error = errorIn(text);
        if (error === null) resolve({ seq: seqIn(text), again: given && text.includes('"duplicate"') });
        else if (mayPass(error)) return true;
        else reject(refusal(error, saying.subject));
        return false;
      };
      this.#asker.ask({ subject: saying.subject, data: saying.data, headers, onAnswer, onFail: reject });
    });
  }

  follow({ subject, data, expect, lines: further = '' }: Following): Promise<Outcome> {
    const lines = expectation(expect) + further;
    return new Promise((resolve, reject) => {
      const headers = lines === '' ? undefined : headerBytes(lines);
      this.#asker.ask({
        subject,
        data,
        headers,
        onAnswer: settle(subject, resolve, reject),
        onFail: reject,
      });
    });
  }

  /** All or nothing. Resolves with the sequence of the last; those before it have the numbers before it. */
  followAll(all: readonly Following[]): Promise<Outcome> {
    const { subject, data } = all[all.length - 1] as Following;
    return new Promise((resolve, reject) => {
      const say = (reply: string) => this.#sayBatch(all, reply);
      this.#asker.ask({ subject, data, say, onAnswer: settle(subject, resolve, reject), onFail: reject });
    });
  }

  #single({ saying, lines, resolve, reject, done }: Due): void {
    const { subject, data } = saying;
    const onAnswer = (answer: Uint8Array): boolean => {
      const text = latin1(answer);
      const error = errorIn(text);
      if (error === null) resolve({ seq: seqIn(text), again: false });
      else if (isTaken(error)) resolve(saidBefore);
      else if (mayPass(error)) return true;
      else reject(refusal(error, subject));
      done?.();
      return false;
    };
    const onFail = (error: BusError): void => {
      reject(error);
      done?.();
    };
    const headers = lines === '' ? nameOnce : headerBytes(nameOnceLine + lines);
    this.#asker.ask({ subject, data, headers, onAnswer, onFail });
  }

  #queueOf(subject: string): Queue {
    // Streams differ in the second token: `event`, `order`, …
    const kind = subject.slice(this.#prefix, subject.indexOf('.', this.#prefix));
    let queue = this.#queues.get(kind);
    if (!queue) this.#queues.set(kind, (queue = { due: [], busy: 0, armed: false }));
    return queue;
  }

  /** Waits for the end of the turn, so that what one turn says goes together. */
  #arm(queue: Queue): void {
    if (queue.armed) return;
    queue.armed = true;
    setImmediate(() => {
      queue.armed = false;
      this.#flush(queue, this.#batching as Batching);
    });
  }

  #flush(queue: Queue, { min, max, inflight }: Batching): void {
    while (queue.due.length > 0 && queue.busy < inflight) {
      const group = cut(queue.due, max);
      queue.busy++;
      let left = group.length;
      const done = (): void => {
        if (--left > 0) return;
        queue.busy--;
        if (queue.due.length > 0) this.#arm(queue);
      };
      for (const due of group) due.done = done;
      if (group.length < min) for (const due of group) this.#single(due);
      else this.#together(group);
    }
  }

  /** A group of messages, each by its name. One name that is taken refuses them all, so then they are said one by one. */
  #together(group: Due[]): void {
    const all = group.map(
      ({ saying, lines }): Following => ({ subject: saying.subject, data: saying.data, expect: 0, lines }),
    );
    const { subject, data } = all[all.length - 1] as Following;
    const onAnswer = (answer: Uint8Array): boolean => {
      const text = latin1(answer);
      const error = errorIn(text);
      const seq = seqIn(text) - group.length + 1;
      if (error === null)
        group.forEach(({ resolve, done }, at) => {
          resolve({ seq: seq + at, again: false });
          done?.();
        });
      else for (const due of group) this.#single(due);
      return false;
    };
    const onFail = (error: BusError): void => {
      for (const { reject, done } of group) {
        reject(error);
        done?.();
      }
    };
    // Said again one by one: some of them may have been stored, and the batch would be refused for it.
    this.#asker.ask({ subject, data, say: (reply) => this.#sayBatch(all, reply), onAnswer, onFail });
  }

  #sayBatch(all: readonly Following[], reply: string): void {
    const id = this.#nextId();
    const last = all.length - 1;
    for (let at = 0; at <= last; at++) {
      const { subject, data, expect, lines: further = '' } = all[at] as Following;
      const commit = at === last ? 'Nats-Batch-Commit: 1\r\n' : '';
      const lines = `Nats-Batch-Id: ${id}\r\nNats-Batch-Sequence: ${at + 1}\r\n${commit}${expectation(expect)}${further}`;
      this.#asker.tell(subject, data, headerBytes(lines), at === last ? reply : '');
    }
  }

  #nextId(): string {
    return `${this.#unique}-${(this.#count++).toString(36)}`;
  }
}

interface Due {
  readonly saying: Saying;
  readonly lines: string;
  readonly resolve: (said: Said) => void;
  readonly reject: (error: BusError) => void;
  done: (() => void) | null;
}

interface Queue {
  due: Due[];
  busy: number;
  armed: boolean;
}

/** As many as go into one batch, in number and in bytes: the server holds all of it at once. */
const cut = (due: Due[], max: number): Due[] => {
  let bytes = 0;
  let count = 0;
  while (count < due.length && count < max && bytes < batchBytesMax) bytes += (due[count++] as Due).saying.data.length;
  return due.splice(0, count);
};

const settle =
  (subject: string, resolve: (outcome: Outcome) => void, reject: (error: BusError) => void) =>
  (answer: Uint8Array, tries: number): boolean => {
    const text = latin1(answer);
    const error = errorIn(text);
    if (error === null) resolve({ seq: seqIn(text), taken: false, tries });
    else if (isTaken(error)) resolve({ seq: 0, taken: true, tries });
    else if (mayPass(error)) return true;
    else reject(refusal(error, subject));
    return false;
  };

const expectation = (expect: number | null): string =>
  expect === null ? '' : `Nats-Expected-Last-Subject-Sequence: ${expect}\r\n`;

/** The server looks under this filter for what may not be there yet, and not under the subject itself. */
const unlessLine = ({ unless }: Saying): string =>
  unless === undefined ? '' : `Nats-Expected-Last-Subject-Sequence-Subject: ${unless}\r\n`;

const largeBytes = 256 * 1_024;
const batchBytesMax = 4 * 1_024 * 1_024;
const saidBefore: Said = Object.freeze({ seq: 0, again: true });
const nameOnceLine = expectation(0);
const nameOnce = headerBytes(nameOnceLine);
