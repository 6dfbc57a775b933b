// Reads a stream in order, without acknowledgements: a consumer in the server's memory that is made anew after whatever broke it, from behind
// the last message that was handed out. nats.js' ordered consumer does much the same; but it goes on in silence when the stream has
// lost its end, keeps trying one that is gone, and what its callback throws ends the connection's reading (3.4.0).
import { type Msg, nuid, type Subscription } from 'nats';
import { limits } from '@capstan/contracts';
import { type ConsumerConfig, look, makeConsumer, nanos, type StreamInfo } from './api.ts';
import type { Running } from '../port.ts';
import { BusError } from '../error.ts';
import { guarded, heartbeatMs, type Line, pullMs, retryMs } from './line.ts';
import { refusal } from './refusal.ts';
import { find, headersOf, placeOf, PulledMessage, statusOf, statusText, type StoredJson } from './wire.ts';

export interface Reading {
  readonly stream: string;
  readonly filters: readonly string[];
  /** From behind this sequence; or the newest of each subject first, then what comes. */
  readonly after: number | 'latest';
  readonly since?: number | undefined;
  readonly headersOnly?: boolean | undefined;
  /** How many may be on their way. */
  readonly batch?: number;
  readonly on: (message: PulledMessage) => void;
  readonly onIdle?: (() => void) | undefined;
  /** The stream has lost its end, or is another one. Reading goes on by time, or from `latest` again. */
  readonly onRollback?: ((found: { readonly last: number; readonly after: number }) => void) | undefined;
}

export class Reader implements Running {
  readonly #line: Line;
  readonly #reading: Reading;
  /** The last message that was handed out, and its time. */
  #after: number;
  #at: number | undefined;
  #latest: boolean;
  #created: string | null = null;
  #stopped = false;
  #name = '';
  #subscription: Subscription | null = null;
  #nth = 0;
  #asked = 0;
  #silent = 0;
  #broken: (() => void) | null = null;
  #watch: NodeJS.Timeout | null = null;

  constructor(line: Line, reading: Reading) {
    this.#line = line;
    this.#reading = reading;
    this.#latest = reading.after === 'latest';
    this.#after = reading.after === 'latest' ? 0 : reading.after;
    this.#at = reading.since;
  }

  /** Resolves once the server has the consumer. Throws where that fails the first time. */
  async start(): Promise<this> {
    await this.#open(true);
    this.#line.watchers.add(this);
    this.#watch = setInterval(() => this.#line.online() && ++this.#silent > 2 && this.restart(), heartbeatMs);
    void this.#keep();
    return this;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#line.watchers.delete(this);
    if (this.#watch) clearInterval(this.#watch);
    this.#drop();
    this.#broken?.();
  }

  restart(): void {
    this.#drop();
    this.#broken?.();
  }

  /** Opens anew whenever it broke. */
  async #keep(): Promise<void> {
    while (!this.#stopped) {
      if (this.#subscription) {
        await new Promise<void>((resolve) => {
          this.#broken = resolve;
        });
        continue;
      }
      try {
        await this.#open(false);
      } catch (error) {
        if (this.#stopped) return;
        this.#line.warn(`Reading of ${this.#reading.stream} waits: ${(error as Error).message}`);
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  async #open(first: boolean): Promise<void> {
    const { asker, connection } = this.#line;
    const { stream } = this.#reading;
    const info = await look<StreamInfo>(asker, `STREAM.INFO.${stream}`);
    if (!info) throw new BusError('unavailable', `There is no stream ${stream}.`);
    await this.#compare(info, first);
    this.#created = info.created;
    // No other reader, of this process or another, may have it: the server would make one consumer of two.
    this.#name = `read_${nuid.next()}`;
    const made = await makeConsumer(asker, stream, this.#config(), '');
    if (!made.ok) throw refusal(made.error, stream);
    if (this.#stopped) return;
    this.#nth = 0;
    this.#asked = 0;
    this.#silent = 0;
    const inbox = this.#line.inbox();
    const subscription = connection.subscribe(inbox, {
      callback: (error, msg) => (error ? this.#refused(error) : this.#take(subscription, msg)),
    });
    this.#subscription = subscription;
    this.#pull();
    // Whoever reads has this object by then.
    if (made.value.num_pending === 0) setImmediate(() => subscription === this.#subscription && this.#idle());
  }

  #idle(): void {
    if (!guarded(() => this.#reading.onIdle?.())) void this.stop();
  }

  /** Whether this is still the stream that was read so far: a power cut, or a restored backup, may have taken its end away. */
  async #compare(info: StreamInfo, first: boolean): Promise<void> {
    if (this.#latest && first) return;
    let same = info.state.last_seq >= this.#after && (this.#created === null || info.created === this.#created);
    if (same && this.#after > 0 && this.#at !== undefined) {
      const found = await look<{ message: StoredJson }>(this.#line.asker, `STREAM.MSG.GET.${this.#reading.stream}`, {
        seq: this.#after,
      });
      same = found === null || Math.abs(Date.parse(found.message.time) - this.#at) <= 1;
    }
    if (same) return;
    const found = { last: info.state.last_seq, after: this.#after };
    this.#line.warn(
      `The stream ${this.#reading.stream} ends at ${found.last}, but was read up to ${found.after}: it has lost what was stored, or was replaced. Reading goes on ${
        this.#latest || this.#at === undefined
          ? 'from its beginning'
          : `with what came since ${new Date(this.#at).toISOString()}`
      }.`,
    );
    this.#after = 0;
    this.#reading.onRollback?.(found);
  }

  #config(): ConsumerConfig {
    const { filters, headersOnly } = this.#reading;
    const from =
      this.#after > 0
        ? { deliver_policy: 'by_start_sequence' as const, opt_start_seq: this.#after + 1 }
        : this.#latest
          ? { deliver_policy: 'last_per_subject' as const }
          : this.#at !== undefined
            ? { deliver_policy: 'by_start_time' as const, opt_start_time: new Date(this.#at).toISOString() }
            : { deliver_policy: 'all' as const };
    const subjects =
      filters.length === 1
        ? { filter_subject: filters[0] as string }
        : filters.length > 1
          ? { filter_subjects: filters }
          : {};
    return {
      name: this.#name,
      ...from,
      // Only with a filter may the server be asked for the newest of each subject.
      ...(this.#latest && filters.length === 0 ? { filter_subject: '>' } : subjects),
      ack_policy: 'none',
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(2 * pullMs),
      ...(headersOnly ? { headers_only: true } : {}),
    };
  }

  #pull(): void {
    const most = this.#reading.batch ?? limits.readBatch;
    if (this.#asked > most / 2) return;
    const batch = most - this.#asked;
    this.#asked += batch;
    const body = `{"batch":${batch},"expires":${nanos(pullMs)},"idle_heartbeat":${nanos(heartbeatMs)}}`;
    const reply = (this.#subscription as Subscription).getSubject();
    this.#line.outgoing.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${this.#reading.stream}.${this.#name}`,
      body,
      undefined,
      reply,
    );
  }

  #take(subscription: Subscription, msg: Msg): void {
    if (subscription !== this.#subscription) return;
    this.#silent = 0;
    const place = placeOf(msg);
    if (place === null) return this.#status(msg);
    // Something was lost on the way: go back to behind what was handed out.
    if (place.nth !== this.#nth + 1) return this.restart();
    this.#nth++;
    this.#asked--;
    const { pending } = place;
    const message = new PulledMessage(msg, place);
    if (!guarded(() => this.#reading.on(message))) return void this.stop();
    this.#after = message.seq;
    this.#at = message.at;
    if (subscription !== this.#subscription) return;
    this.#pull();
    if (pending === 0) this.#idle();
  }

  #status(msg: Msg): void {
    const status = statusOf(msg);
    if (status === 100) return;
    const left = Number(find(headersOf(msg), 'Nats-Pending-Messages') ?? Number.NaN);
    // A pull that ended by time says what it still had to give; any other end means that the consumer is gone or has moved.
    if (
      (status === 408 || status === 404 || (status === 409 && /batch completed/i.test(statusText(msg)))) &&
      !Number.isNaN(left)
    ) {
      this.#asked -= left;
      this.#pull();
    } else this.restart();
  }

  #refused(error: Error): void {
    this.#line.warn(`Reading of ${this.#reading.stream} was refused: ${error.message}`);
    this.restart();
  }

  /** The server forgets the consumer by itself; telling it spares it a minute of memory. */
  #drop(): void {
    const subscription = this.#subscription;
    this.#subscription = null;
    if (!subscription) return;
    subscription.unsubscribe();
    if (this.#line.online())
      this.#line.outgoing.publish(`$JS.API.CONSUMER.DELETE.${this.#reading.stream}.${this.#name}`);
  }
}
