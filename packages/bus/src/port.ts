// What Capstan needs of a message bus and a state store. Two implementations: over NATS (`nats/`), and in memory
// (`memory/`) for tests and simulation; one suite of tests runs against both, so that the second can't drift.

/** Something that goes on until it is told to stop. */
export interface Running {
  /** Resolves once nothing more will be handed out. */
  stop(): Promise<void>;
}

/** A message as a stream keeps it. */
export interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly seq: number;
  /** When the stream took it, in milliseconds. */
  readonly at: number;
  header(name: string): string | undefined;
  headers(): [name: string, value: string][];
}

/** A message of a work queue, held for one reader until it says what became of it. */
export interface Delivery extends Message {
  /** 1 the first time. */
  readonly deliveries: number;
  /** Done with it. Resolves once the server knows. */
  ack(): Promise<void>;
  /** The same without hearing of it: where that gets lost, the message comes again. */
  letGo(): void;
  /** Not now: deliver it again after a while. Never without a delay, which would spend all deliveries in milliseconds. */
  later(afterMs: number): void;
  /** Still at it: not silence. */
  working(): void;
}

export interface Saying {
  readonly subject: string;
  readonly data: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a name that is accepted once: it counts as taken where the stream holds anything under this filter. */
  readonly unless?: string;
}

export interface Said {
  readonly seq: number;
  /** The name was taken already; nothing was stored now, and `seq` is 0. */
  readonly again: boolean;
}

export interface LogInfo {
  readonly first: number;
  readonly last: number;
  readonly messages: number;
  readonly bytes: number;
  /** 0 where there is no limit. */
  readonly bytesMax: number;
}

/** A stream, read in order. */
export interface Log {
  /** Hands out every message after a sequence, in order, one call at a time, and goes on with what comes. Survives reconnects. */
  read(options: ReadOptions): Promise<Running>;
  /** The newest message of a subject, as the leader knows it; wildcards are allowed. */
  last(subject: string): Promise<Message | null>;
  at(seq: number): Promise<Message | null>;
  info(): Promise<LogInfo>;
  /** Forgets what is below `before` (not itself), of one subject or all. Returns how many. */
  forget(options: { subject?: string; before?: number }): Promise<number>;
}

export interface ReadOptions {
  /** Subjects, wildcards allowed, not overlapping; none means all. */
  readonly subjects?: readonly string[];
  /** Only what comes after this sequence; 0 is everything. */
  readonly after: number;
  /**
   * Alone: only what the stream took at or after this time, in milliseconds. Beside `after`: the time of that message, so that a stream which
   * lost its end (a power cut, a restored backup) is known by it; reading then goes on from this time.
   */
  readonly since?: number;
  /** Only what the messages carry in headers: `data` is empty, and the header `Nats-Msg-Size` has its size. */
  readonly headersOnly?: boolean;
  /** Called in order. What it throws stops the process: a reader that can't go on must say so. */
  readonly on: (message: Message) => void;
  /** Called when nothing more is pending just now, also once at the start. */
  readonly onIdle?: () => void;
  /**
   * The stream has lost what was read already, or is another one: what was made of it may be wrong. Called before reading goes on with what
   * came since the last message, which has lower sequences. A warning is given in any case.
   */
  readonly onRollback?: (found: { readonly last: number; readonly after: number }) => void;
}

export interface Entry {
  readonly key: string;
  readonly data: Uint8Array;
  readonly revision: number;
  readonly at: number;
  /** The key was removed; `data` is empty. */
  readonly gone: boolean;
}

export interface Change {
  readonly key: string;
  readonly data: Uint8Array | string;
  /** The revision that this follows; 0 where the key must be new; null where that does not matter. */
  readonly expect: number | null;
  /** With `expect: 0`: a key that was there and was removed is not new, as long as that is remembered (an hour). */
  readonly neverThere?: boolean;
  /** The key is removed; `data` is not looked at. */
  readonly gone?: boolean;
}

/** A bucket: one value a key, each change with a revision. */
export interface Store {
  /** Read from the leader, so a write that was acknowledged is seen. */
  get(key: string): Promise<Entry | null>;
  /** Throws `conflict` where the revision is another one. Resolves to the new revision. */
  set(change: Change): Promise<number>;
  /** All or nothing; at most 1,000. Resolves to the new revisions. */
  setAll(changes: readonly Change[]): Promise<number[]>;
  remove(key: string): Promise<void>;
  /** Keys under a filter such as `a.*` or `>`; for small buckets only. */
  keys(filter?: string): Promise<string[]>;
  /** Every present key, then `onReady`, then every change. */
  watch(on: (entry: Entry) => void, onReady?: () => void): Promise<Running>;
}

/** Large values by name. */
export interface Objects {
  put(name: string, data: Uint8Array): Promise<{ size: number; sha256: string }>;
  get(name: string): Promise<Uint8Array | null>;
  info(name: string): Promise<{ size: number; sha256: string } | null>;
  remove(name: string): Promise<void>;
}

export interface QueueInfo {
  /** The highest sequence handed out so far, in the stream. */
  readonly delivered: number;
  /** Everything up to it, in the stream, is acknowledged. */
  readonly floor: number;
  readonly pending: number;
  readonly unacknowledged: number;
}

/** A core message: said to whoever listens just now. */
export interface Wire {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply: string | null;
  header(name: string): string | undefined;
}

export interface Bus {
  readonly names: import('@capstan/contracts').Names;

  /**
   * Stores a message whose name (its subject) is accepted once. Says it again by itself while the outcome is unknown, which is
   * harmless; throws `unavailable` when that took longer than `limits.publishTimeoutMs`, `too_large`, or `full`.
   */
  once(saying: Saying): Promise<Said>;
  /**
   * Stores a message under a subject that may hold many, as logs do. Where the headers have a `Nats-Msg-Id`, the stream takes it once within its
   * window (two minutes), and `again` tells; otherwise one is made up, so that saying it again by itself does no harm.
   */
  append(saying: Saying): Promise<Said>;

  log(stream: string): Log;
  store(bucket: string): Store;
  objects(bucket: string): Objects;

  /** Makes the durable consumer of a queue of orders, where it isn't there. */
  openQueue(queue: string): Promise<void>;
  queueInfo(queue: string): Promise<QueueInfo | null>;
  /** The queues that have a consumer. */
  queues(): Promise<string[]>;
  /** Pulls orders of a queue, at most `concurrency` unacknowledged at a time. */
  takeOrders(queue: string, concurrency: number, on: (delivery: Delivery) => void): Promise<Running>;
  /** Pulls what came through the plain door. */
  takeTasks(on: (delivery: Delivery) => void): Promise<Running>;

  /** Core NATS: at once, to whoever listens, not stored. */
  tell(subject: string, data: Uint8Array | string, headers?: Readonly<Record<string, string>>): void;
  listen(subject: string, on: (wire: Wire) => void, group?: string): Running;
  /**
   * Throws `unavailable` where nobody answers in time, or at all. While the server is away it waits, and what may have been lost with it is
   * asked again: whoever answers may hear a question twice, with the same `Nats-Msg-Id`.
   */
  ask(subject: string, data: Uint8Array | string, timeoutMs?: number): Promise<Wire>;
  /**
   * Answers requests as a NATS micro service, so that `nats micro ls` shows it. `subject` may end in a wildcard. A reply that is not to an
   * inbox is not sent: a reply subject of the asker's choice would let it say things in our name.
   */
  serve(service: Service): Promise<Running>;

  /** Whether the server is in reach just now. */
  connected(): boolean;
  /** Resolves when the connection is over for good: with the reason, unless `close` was called. */
  readonly closed: Promise<Error | undefined>;
  /** Stops taking in, waits for what is being said (`limits.drainMs` at most), and closes. */
  close(): Promise<void>;
}

export interface Service {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly endpoints: readonly {
    readonly name: string;
    readonly subject: string;
    readonly on: (wire: Wire) => Promise<Answer>;
  }[];
  /** What whoever asks for its statistics is told besides, with the first endpoint. */
  readonly counts?: () => object;
}

export interface Answer {
  readonly data: string;
  /** Becomes the headers `Nats-Service-Error` and `Nats-Service-Error-Code`. */
  readonly error?: { readonly code: number; readonly message: string };
}
