// Asks the server until it answers: publishes, acknowledgements and JetStream's own API share one reply inbox, pipelined. Whatever is asked
// here must be harmless to ask twice, for an answer may be lost with a connection, and then the question is put again.
import { PassingMap, PassingSet } from '../passing.ts';
import { limits } from '@capstan/contracts';
import type { Msg, NatsConnection } from 'nats';
import { BusError } from '../error.ts';
import type { Outgoing } from './outgoing.ts';
import { lastNumber, statusOf } from './wire.ts';

export interface Question {
  readonly subject: string;
  readonly data: Uint8Array | string;
  readonly headers?: Uint8Array | undefined;
  /** Says it instead, where one publish is not all; the answer goes to `reply`. */
  readonly say?: ((reply: string) => void) | undefined;
  /** Returns true to have it asked again, later. Gets how often it was asked. */
  readonly onAnswer: (data: Uint8Array, tries: number) => boolean;
  readonly onFail: (error: BusError) => void;
  /** In all, whatever it takes. */
  readonly patienceMs?: number;
}

interface Open {
  readonly question: Question;
  readonly deadline: number;
  slot: number;
  tries: number;
  /** When to ask again. */
  due: number;
  why: string;
}

export class Asker {
  readonly #outgoing: Outgoing;
  readonly #inbox: string;
  /** Asked and not answered; the longest ago first. */
  #asked = new PassingMap<number, Open>();
  /** Answered with "not now". */
  readonly #resting = new PassingSet<Open>();
  #slot = 0;
  #online = true;
  #closed = false;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(connection: NatsConnection, outgoing: Outgoing, inbox: string) {
    this.#outgoing = outgoing;
    this.#inbox = `${inbox}.`;
    connection.subscribe(`${this.#inbox}*`, {
      callback: (error, msg) => {
        if (!error) this.#answer(msg);
      },
    });
  }

  ask(question: Question): void {
    const now = Date.now();
    if (this.#closed)
      return question.onFail(new BusError('unavailable', `${brief(question.subject)}: the connection is closed.`));
    const deadline = now + (question.patienceMs ?? limits.publishTimeoutMs);
    const open: Open = { question, deadline, slot: 0, tries: 0, due: 0, why: 'nothing was heard' };
    this.#say(open, now);
    if (this.#timer === null) this.#timer = setInterval(this.#sweep, sweepMs);
  }

  /** Says it once, and never again by itself. */
  tell(subject: string, data: Uint8Array | string, headers: Uint8Array | undefined, reply: string): void {
    this.#outgoing.publish(subject, data, headers, reply);
  }

  offline(): void {
    this.#online = false;
    this.#outgoing.drop();
  }

  /** What was on its way when the connection broke is asked again. */
  online(): void {
    this.#online = true;
    const now = Date.now();
    const lost = [...this.#asked.values()];
    this.#asked = new PassingMap();
    // A process that stood still may come back long after anybody should still be saying it.
    for (const open of lost) {
      if (now >= open.deadline) this.#expire(open);
      else this.#say(open, now);
    }
  }

  /** The server told that we may not say this: nobody will answer. */
  forbidden(subject: string): void {
    for (const open of [...this.#asked.values()]) {
      if (open.question.subject === subject)
        this.#fail(open, new BusError('forbidden', `This user may not publish to ${brief(subject)}.`));
    }
  }

  /** Resolves once nothing is open. */
  idle(): Promise<void> {
    if (this.#asked.size + this.#resting.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  close(): void {
    this.#closed = true;
    for (const open of [...this.#asked.values(), ...this.#resting])
      this.#fail(
        open,
        new BusError(
          'unavailable',
          `${brief(open.question.subject)}: the connection was closed before the server answered.`,
        ),
      );
    this.#rest();
  }

  #say(open: Open, now: number): void {
    const slot = this.#slot++;
    open.slot = slot;
    open.tries++;
    open.due = now + answerMs;
    this.#asked.set(slot, open);
    // What is said to a broken connection is thrown away by the client: keep it for `online`.
    if (!this.#online) return;
    const reply = this.#inbox + slot;
    const { subject, data, headers, say } = open.question;
    try {
      if (say) say(reply);
      else this.tell(subject, data, headers, reply);
    } catch (error) {
      const { message } = error as Error;
      if (/max_payload/.test(message))
        this.#fail(open, new BusError('too_large', `${brief(subject)}: larger than the server takes.`));
      else this.#fail(open, new BusError('unavailable', `${brief(subject)}: ${message}`, { cause: error }));
    }
  }

  #answer(msg: Msg): void {
    const slot = lastNumber(msg);
    const open = this.#asked.get(slot);
    if (!open) return;
    this.#asked.delete(slot);
    const { data } = msg;
    if (data.length === 0 && statusOf(msg) === 503)
      this.#later(open, 'nobody answers for it; JetStream or the stream may be down or missing');
    else if (open.question.onAnswer(data, open.tries)) this.#later(open, latin1(data));
    else if (this.#asked.size + this.#resting.size === 0) this.#rest();
  }

  #later(open: Open, why: string): void {
    open.why = why;
    // 50 ms, then longer, each a bit different, so that many do not come back at once.
    open.due = Date.now() + Math.min(2_000, 50 * 2 ** Math.min(open.tries, 6)) * (0.5 + Math.random() / 2);
    this.#resting.add(open);
  }

  #fail(open: Open, error: BusError): void {
    this.#asked.delete(open.slot);
    this.#resting.delete(open);
    open.question.onFail(error);
    if (this.#asked.size + this.#resting.size === 0) this.#rest();
  }

  #rest(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  readonly #sweep = (): void => {
    const now = Date.now();
    for (const open of this.#resting) if (now >= open.deadline) this.#expire(open);
    for (const open of this.#resting) {
      if (now < open.due) continue;
      this.#resting.delete(open);
      this.#say(open, now);
    }
    for (const open of this.#asked.values()) {
      // In the order of asking: all that follow were asked later.
      if (now < open.due && now < open.deadline) break;
      // What another's failure took away meanwhile is not asked again.
      if (this.#asked.get(open.slot) !== open) continue;
      if (now >= open.deadline) this.#expire(open);
      else {
        this.#asked.delete(open.slot);
        this.#say(open, now);
      }
    }
  };

  #expire(open: Open): void {
    this.#fail(
      open,
      new BusError('unavailable', `${brief(open.question.subject)}: the server did not take it in time: ${open.why}.`),
    );
  }
}

const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
};

/** As text, for what the server says of itself. */
export const latin1 = (data: Uint8Array): string => latin1Slice.call(data, 0, data.length);

const sweepMs = 25;
const answerMs = limits.requestTimeoutMs;

const brief = (subject: string): string => (subject.length > 160 ? `${subject.slice(0, 160)}…` : subject);
