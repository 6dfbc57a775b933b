// Reads a stream of the broker in order, as nats/reader.ts reads a server's.
import { limits } from '@capstan/contracts';
import { guarded } from '../nats/line.ts';
import type { Running } from '../port.ts';
import type { Broker } from './broker.ts';
import type { MemoryMessage, MemoryStream } from './stream.ts';

export interface MemoryReading {
  readonly filters: readonly string[];
  readonly after: number | 'latest';
  readonly since?: number | undefined;
  readonly headersOnly?: boolean | undefined;
  readonly on: (message: MemoryMessage) => void;
  readonly onIdle?: (() => void) | undefined;
  readonly onRollback?: ((found: { readonly last: number; readonly after: number }) => void) | undefined;
  /** Whether the process that reads still lives. */
  readonly alive: () => boolean;
}

export class MemoryReader implements Running {
  readonly #broker: Broker;
  readonly #stream: MemoryStream;
  readonly #reading: MemoryReading;
  #after: number;
  /** Nothing for this reader is between `after` and here. */
  #scanned = 0;
  #scheduled = false;
  #stopped = false;

  constructor(broker: Broker, stream: MemoryStream, reading: MemoryReading) {
    this.#broker = broker;
    this.#stream = stream;
    this.#reading = reading;
    const { after, since } = reading;
    this.#after = after === 'latest' ? 0 : after;
    const found = this.#after > 0 && since !== undefined ? stream.at(this.#after) : undefined;
    if (this.#after > stream.last || (found && found.at !== since)) this.#rollback(since);
    else if (this.#after === 0 && since !== undefined) this.#after = this.#before(since);
    stream.listeners.add(this.#pump);
    stream.onTruncate.add(this.#truncated);
  }

  /** Hands out from the next turn on, so that whoever reads has this object by then. */
  begin(): this {
    this.#pump();
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stream.listeners.delete(this.#pump);
    this.#stream.onTruncate.delete(this.#truncated);
  }

  readonly #truncated = (): void => {
    this.#scanned = Math.min(this.#scanned, this.#stream.last);
    if (this.#after > this.#stream.last) this.#rollback(this.#broker.clock.now() + 1);
  };

  #rollback(since: number | undefined): void {
    const found = { last: this.#stream.last, after: this.#after };
    this.#after = since === undefined ? 0 : this.#before(since);
    this.#reading.onRollback?.(found);
  }

  /** The sequence before the first message of that time or later. */
  #before(since: number): number {
    for (const message of this.#stream.all([])) if (message.at >= since) return message.seq - 1;
    return this.#stream.last;
  }

  readonly #pump = (): void => {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    const { clock, faults } = this.#broker;
    clock.later(faults.delayMs?.() ?? 0, () =>
      this.#broker.whenUp(() => {
        this.#scheduled = false;
        this.#handOut();
      }),
    );
  };

  #handOut(): void {
    const { filters, headersOnly, on, onIdle, alive } = this.#reading;
    for (let count = 0; count < limits.readBatch; count++) {
      if (this.#stopped || !alive()) return void this.stop();
      const message = this.#stream.after(Math.max(this.#after, this.#scanned), filters);
      this.#scanned = message?.seq ?? this.#stream.last;
      if (!message) {
        if (!guarded(() => onIdle?.())) void this.stop();
        return;
      }
      this.#after = message.seq;
      if (!guarded(() => on(headersOnly ? message.bare() : message))) return void this.stop();
    }
    this.#pump();
  }
}
