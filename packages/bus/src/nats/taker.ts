// Takes work from a durable consumer: asks for as much as there are hands, holds each message until it is said what became of it, and goes on
// after reconnects, silence, or the consumer's deletion. A message that comes again while it is held replaces itself.
import { PassingMap } from '../passing.ts';
import type { Msg, Subscription } from 'nats';
import type { BusError } from '../error.ts';
import type { Delivery, Running } from '../port.ts';
import { type ConsumerInfo, look, nanos } from './api.ts';
import { guarded, heartbeatMs, type Line, pullMs, retryMs } from './line.ts';
import { find, headersOf, type Place, placeOf, PulledMessage, statusOf, statusText } from './wire.ts';

export interface Taking {
  readonly stream: string;
  readonly consumer: string;
  readonly concurrency: number;
  readonly on: (delivery: Delivery) => void;
  /** Makes the consumer where it isn't there. */
  readonly open: () => Promise<void>;
}

export class Taker implements Running {
  readonly #line: Line;
  readonly #taking: Taking;
  /** By sequence: what is in somebody's hands. */
  readonly #held = new PassingMap<number, Held>();
  /** Free hands below this many wait, so that one pull serves several. */
  readonly #step: number;
  #subscription: Subscription | null = null;
  #asked = 0;
  #silent = 0;
  #stopped = false;
  #opening = false;
  #watch: NodeJS.Timeout | null = null;

  constructor(line: Line, taking: Taking) {
    this.#line = line;
    this.#taking = taking;
    this.#step = Math.max(1, Math.floor(taking.concurrency / 4));
  }

  start(): this {
    this.#line.watchers.add(this);
    this.#watch = setInterval(
      () => this.#line.online() && ++this.#silent > 2 && this.#reopen('it is silent'),
      heartbeatMs,
    );
    void this.#open(0);
    return this;
  }

  /** What is held stays held: its acknowledgements still go out. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#line.watchers.delete(this);
    if (this.#watch) clearInterval(this.#watch);
    // The pull on its way dies with its inbox; the server hands elsewhere, after the acknowledgement time, what it just sent.
    this.#subscription?.unsubscribe();
    this.#subscription = null;
  }

  restart(): void {
    if (!this.#opening) this.#begin();
  }

  #begin(): void {
    if (this.#stopped) return;
    this.#subscription?.unsubscribe();
    this.#asked = 0;
    this.#silent = 0;
    const subscription = this.#line.connection.subscribe(this.#line.inbox(), {
      callback: (error, msg) => (error ? this.#reopen(error.message) : this.#take(subscription, msg)),
    });
    this.#subscription = subscription;
    this.#pull();
  }

  #pull(): void {
    const free = this.#taking.concurrency - this.#held.size - this.#asked;
    if (this.#subscription === null || free <= 0 || (free < this.#step && this.#asked > 0)) return;
    this.#asked += free;
    const body = `{"batch":${free},"expires":${nanos(pullMs)},"idle_heartbeat":${nanos(heartbeatMs)}}`;
    const { stream, consumer } = this.#taking;
    const reply = this.#subscription.getSubject();
    this.#line.outgoing.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, body, undefined, reply);
  }

  #take(subscription: Subscription, msg: Msg): void {
    if (subscription !== this.#subscription) return;
    this.#silent = 0;
    const place = placeOf(msg);
    if (place === null) return this.#status(msg);
    this.#asked--;
    const held = new Held(msg, place, this);
    this.#held.set(held.seq, held);
    if (!guarded(() => this.#taking.on(held))) void this.stop();
  }

  #status(msg: Msg): void {
    const status = statusOf(msg);
    if (status === 100) return;
    const left = Number(find(headersOf(msg), 'Nats-Pending-Messages') ?? Number.NaN);
    if ((status === 408 || status === 404) && !Number.isNaN(left)) {
      this.#asked = Math.max(0, this.#asked - left);
      this.#pull();
    } else this.#reopen(statusText(msg) || `status ${status}`);
  }

  /** The consumer is gone, moved or out of reach: see that it is there, then ask anew. */
  #reopen(why: string): void {
    if (this.#stopped || this.#opening) return;
    // Where nobody answers there is no consumer yet; this is how an agent waits for one.
    if (!/responders|status 503/i.test(why))
      this.#line.warn(`The queue ${this.#taking.consumer} of ${this.#taking.stream} is opened again: ${why}.`);
    void this.#open(retryMs);
  }

  async #open(afterMs: number): Promise<void> {
    this.#opening = true;
    this.#subscription?.unsubscribe();
    this.#subscription = null;
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    try {
      if (!this.#stopped) await this.#taking.open();
    } catch (error) {
      // An agent may not be allowed to make its consumer; then Capstan does, and the pull is tried again.
      if ((error as BusError).code !== 'forbidden')
        this.#line.warn(`The queue ${this.#taking.consumer}: ${(error as Error).message}`);
    }
    this.#opening = false;
    this.#begin();
  }

  /** Of a delivery: it is nobody's any more. */
  release(held: Held): void {
    if (this.#held.get(held.seq) !== held) return;
    this.#held.delete(held.seq);
    this.#pull();
  }

  get line(): Line {
    return this.#line;
  }
}

class Held extends PulledMessage implements Delivery {
  readonly deliveries: number;
  readonly #taker: Taker;
  readonly #reply: string;
  #answered: Promise<void> | null = null;

  constructor(msg: Msg, place: Place, taker: Taker) {
    super(msg, place);
    this.deliveries = place.deliveries;
    this.#taker = taker;
    this.#reply = msg.reply as string;
  }

  ack(): Promise<void> {
    this.#answered ??= new Promise((resolve, reject) => {
      const onAnswer = (): boolean => {
        resolve();
        return false;
      };
      this.#taker.line.asker.ask({
        subject: this.#reply,
        data: '+ACK',
        onAnswer,
        onFail: reject,
        patienceMs: ackPatienceMs,
      });
      // The pull for the next one goes out behind the acknowledgement, so the server sees them in this order.
      this.#taker.release(this);
    });
    return this.#answered;
  }

  letGo(): void {
    if (this.#answered) return;
    this.#answered = Promise.resolve();
    if (this.#taker.line.online()) this.#taker.line.outgoing.publish(this.#reply, '+ACK');
    this.#taker.release(this);
  }

  later(afterMs: number): void {
    if (this.#answered) return;
    this.#answered = Promise.resolve();
    this.#taker.line.outgoing.publish(this.#reply, `-NAK {"delay":${nanos(Math.max(1, Math.round(afterMs)))}}`);
    this.#taker.release(this);
  }

  working(): void {
    if (!this.#answered && this.#taker.line.online()) this.#taker.line.outgoing.publish(this.#reply, '+WPI');
  }
}

/** Beyond this the message is delivered again anyway. */
const ackPatienceMs = 10_000;

export const consumerInfo = (line: Line, stream: string, consumer: string): Promise<ConsumerInfo | null> =>
  look(line.asker, `CONSUMER.INFO.${stream}.${consumer}`);

/** The names of all durable consumers; the server tells them a page at a time. */
export const consumersOf = async (line: Line, stream: string): Promise<string[]> => {
  const found: string[] = [];
  for (;;) {
    const page = await look<{ consumers: string[] | null; total: number }>(line.asker, `CONSUMER.NAMES.${stream}`, {
      offset: found.length,
    });
    const names = page?.consumers ?? [];
    found.push(...names);
    if (names.length === 0 || found.length >= (page?.total ?? 0)) return found;
  }
};
