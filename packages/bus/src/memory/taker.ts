// Takes work from a queue of the broker, as nats/taker.ts does from a server's.
import { limits } from '@capstan/contracts';
import { guarded } from '../nats/line.ts';
import type { Delivery, Running } from '../port.ts';
import type { Puller, Queue } from './queue.ts';
import type { MemoryMessage } from './stream.ts';
import type { Way } from './way.ts';

export class MemoryTaker implements Running, Puller {
  readonly #way: Way;
  readonly #name: string;
  readonly #concurrency: number;
  readonly #on: (delivery: Delivery) => void;
  readonly #open: () => void;
  readonly #held = new Map<number, Delivery>();
  #queue: Queue | null = null;
  #stopped = false;

  constructor(way: Way, name: string, concurrency: number, on: (delivery: Delivery) => void, open: () => void) {
    this.#way = way;
    this.#name = name;
    this.#concurrency = concurrency;
    this.#on = on;
    this.#open = open;
    way.broker.onChange.add(this.#lookAgain);
    this.#join();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#way.broker.onChange.delete(this.#lookAgain);
    this.#leave();
  }

  free(): number {
    const { alive, broker } = this.#way;
    return this.#stopped || !alive || !broker.up ? 0 : this.#concurrency - this.#held.size;
  }

  give(message: MemoryMessage, deliveries: number): void {
    const { clock, faults } = this.#way.broker;
    const fault = faults.onDelivery?.(message.subject);
    if (fault === 'lost') return;
    const delivery = this.#delivery(message, deliveries);
    // It counts as held from now on: the next free hand is counted without it.
    this.#held.set(message.seq, delivery);
    const hand = (): void => {
      if (this.#stopped || !this.#way.alive) return;
      if (!guarded(() => this.#on(delivery))) void this.stop();
    };
    clock.later(faults.delayMs?.() ?? 0, hand);
    if (fault === 'twice') clock.later(faults.delayMs?.() ?? 0, hand);
  }

  /** Finds the queue, and finds it again after it was deleted or the server was away. */
  #join(): void {
    const { broker } = this.#way;
    if (this.#stopped || !this.#way.alive) return;
    if (broker.up && broker.queues.get(this.#name) !== this.#queue) {
      this.#leave();
      this.#open();
      this.#queue = broker.queues.get(this.#name) ?? null;
      this.#queue?.pullers.push(this);
    }
    this.#queue?.pump();
  }

  /** Over NATS a lost queue is found out by asking now and then; so it takes a moment here too. */
  readonly #lookAgain = (): void => {
    this.#way.broker.clock.later(lookAgainMs, () => this.#join());
  };

  #leave(): void {
    const at = this.#queue?.pullers.indexOf(this) ?? -1;
    if (at >= 0) this.#queue?.pullers.splice(at, 1);
    this.#queue = null;
  }

  #delivery(message: MemoryMessage, deliveries: number): Delivery {
    const queue = this.#queue;
    const { faults } = this.#way.broker;
    const { seq } = message;
    let answered: Promise<void> | null = null;
    const release = (): void => {
      if (this.#held.get(seq) === delivery) this.#held.delete(seq);
      this.#queue?.pump();
    };
    const delivery: Delivery = {
      subject: message.subject,
      data: message.data,
      seq,
      at: message.at,
      header: (name) => message.header(name),
      headers: () => message.headers(),
      deliveries,
      ack: () => {
        answered ??= this.#way
          .ask(`ack ${seq}`, () => (faults.onAck?.(seq) === 'forgotten' ? undefined : queue?.ack(seq)))
          .finally(release);
        return answered;
      },
      letGo: () => void delivery.ack().catch(() => {}),
      later: (afterMs) => {
        if (answered) return;
        answered = Promise.resolve();
        queue?.nak(seq, afterMs);
        release();
      },
      working: () => {
        if (!answered && this.#way.alive && this.#way.broker.up) queue?.working(seq);
      },
    };
    return delivery;
  }
}

const lookAgainMs = Math.min(250, limits.requestTimeoutMs);
