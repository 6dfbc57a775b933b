// A durable consumer in memory, as JetStream was measured to behave: at least once, silence brings a message again, what was delivered too often
// becomes invisible, an acknowledgement counts whoever holds the message by now.
import type { Clock } from './clock.ts';
import type { MemoryMessage, MemoryStream } from './stream.ts';

export interface QueueConfig {
  readonly name: string;
  readonly filters: readonly string[];
  readonly ackWaitMs: number;
  /** -1 for no end. */
  readonly maxDeliver: number;
  readonly maxAckPending: number;
}

/** Whoever pulls. */
export interface Puller {
  /** Hands free just now. */
  free(): number;
  give(message: MemoryMessage, deliveries: number): void;
}

interface Pending {
  deliveries: number;
  cancel: () => void;
}

export class Queue {
  readonly config: QueueConfig;
  readonly #stream: MemoryStream;
  readonly #clock: Clock;
  readonly #onExhausted: (seq: number, deliveries: number) => void;
  readonly pullers: Puller[] = [];
  readonly #pending = new Map<number, Pending>();
  /** To be delivered again, in the order of falling due. */
  readonly #again = new Set<number>();
  /** When each was handed out first. */
  readonly givenAt = new Map<number, number>();
  delivered = 0;
  /** Nothing for this queue is between `delivered` and here. */
  #scanned = 0;
  #scheduled = false;
  #turn = 0;

  constructor(
    config: QueueConfig,
    stream: MemoryStream,
    clock: Clock,
    onExhausted: (seq: number, deliveries: number) => void,
  ) {
    this.config = config;
    this.#stream = stream;
    this.#clock = clock;
    this.#onExhausted = onExhausted;
    stream.listeners.add(this.pump);
    stream.onTruncate.add(this.#truncated);
  }

  get unacknowledged(): number {
    return this.#pending.size;
  }

  get floor(): number {
    let floor = this.delivered;
    for (const seq of this.#pending.keys()) floor = Math.min(floor, seq - 1);
    return floor;
  }

  get waiting(): number {
    let count = 0;
    for (const _ of this.#stream.all(this.config.filters, this.#scanned)) count++;
    return count;
  }

  /** Hands out, in a turn of its own, to whoever has a hand free. */
  readonly pump = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.later(0, () => {
      this.#scheduled = false;
      while (this.#handOne());
    });
  };

  ack(seq: number): void {
    const pending = this.#pending.get(seq);
    if (!pending) return;
    pending.cancel();
    this.#pending.delete(seq);
    this.#again.delete(seq);
    if (this.#stream.config.workQueue) this.#stream.remove(seq);
    this.pump();
  }

  nak(seq: number, afterMs: number): void {
    const pending = this.#pending.get(seq);
    if (!pending) return;
    pending.cancel();
    pending.cancel = this.#clock.later(afterMs, () => this.#due(seq));
  }

  working(seq: number): void {
    const pending = this.#pending.get(seq);
    if (!pending || this.#again.has(seq)) return;
    pending.cancel();
    pending.cancel = this.#clock.later(this.config.ackWaitMs, () => this.#due(seq));
  }

  close(): void {
    this.#stream.listeners.delete(this.pump);
    this.#stream.onTruncate.delete(this.#truncated);
    for (const { cancel } of this.#pending.values()) cancel();
    this.#pending.clear();
  }

  readonly #truncated = (): void => {
    const { last } = this.#stream;
    this.#scanned = Math.min(this.#scanned, last);
    this.delivered = Math.min(this.delivered, last);
    for (const seq of this.#pending.keys()) if (seq > last) this.ack(seq);
  };

  #due(seq: number): void {
    const pending = this.#pending.get(seq);
    if (!pending) return;
    const { maxDeliver } = this.config;
    if (maxDeliver > 0 && pending.deliveries >= maxDeliver) {
      // It stays in the stream, and nobody is given it any more.
      this.#pending.delete(seq);
      this.#onExhausted(seq, pending.deliveries);
    } else this.#again.add(seq);
    this.pump();
  }

  #handOne(): boolean {
    const puller = this.#nextPuller();
    if (!puller) return false;
    for (const seq of this.#again) {
      this.#again.delete(seq);
      const message = this.#stream.at(seq);
      if (message) {
        this.#hand(puller, message, (this.#pending.get(seq)?.deliveries ?? 0) + 1);
        return true;
      }
      this.#pending.delete(seq);
    }
    if (this.#pending.size >= this.config.maxAckPending) return false;
    const message = this.#stream.after(this.#scanned, this.config.filters);
    this.#scanned = message?.seq ?? this.#stream.last;
    if (!message) return false;
    this.delivered = message.seq;
    this.#hand(puller, message, 1);
    return true;
  }

  #hand(puller: Puller, message: MemoryMessage, deliveries: number): void {
    const { seq } = message;
    const cancel = this.#clock.later(this.config.ackWaitMs, () => this.#due(seq));
    this.#pending.set(seq, { deliveries, cancel });
    if (deliveries === 1) this.givenAt.set(seq, this.#clock.now());
    puller.give(message, deliveries);
  }

  #nextPuller(): Puller | undefined {
    for (let step = 0; step < this.pullers.length; step++) {
      const puller = this.pullers[(this.#turn + step) % this.pullers.length] as Puller;
      if (puller.free() <= 0) continue;
      this.#turn += step + 1;
      return puller;
    }
    return undefined;
  }
}
