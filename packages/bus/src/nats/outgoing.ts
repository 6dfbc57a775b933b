// What goes out to the server. Where much is said, everything that one turn of the event loop says leaves in one write: nats.js writes at the end
// of each microtask, which in code full of promises is nearly each message, and then the server reads them one by one, which costs both sides
// most. Where little is said, it leaves at once: nobody waits for the end of a turn in which nothing else will be said.
import type { NatsConnection } from 'nats';

/** Of nats.js, whose version is pinned: takes bytes as they are. */
interface Protocol {
  sendCommand(bytes: Uint8Array): void;
  flushPending(): void;
  readonly info?: { readonly max_payload: number };
}

export class Outgoing {
  readonly #connection: NatsConnection;
  readonly #protocol: Protocol;
  #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #at = 0;
  /** What this turn has said so far, and whether the last one said little. */
  #said = 0;
  #isQuiet = true;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#protocol = (connection as unknown as { protocol: Protocol }).protocol;
  }

  /** `headers` as `headerBytes` makes them. Throws where the server would not take it at all. */
  publish(subject: string, data: Uint8Array | string = '', headers: Uint8Array = none, reply = ''): void {
    if (this.#connection.isClosed()) throw new Error('the connection is closed');
    // A space would end the subject, and a line end would begin a command of the sender's choice.
    if (subject === '' || unsayable.test(subject) || unsayable.test(reply))
      throw new TypeError(`"${subject.slice(0, 64)}" can't be a subject.`);
    const bytes = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    const size = headers.length + bytes;
    if (size > (this.#protocol.info?.max_payload ?? size)) throw new Error('max_payload size exceeded');
    const verb = headers.length > 0 ? 'HPUB' : 'PUB';
    const to = reply === '' ? subject : `${subject} ${reply}`;
    const line = headers.length > 0 ? `${verb} ${to} ${headers.length} ${size}\r\n` : `${verb} ${to} ${size}\r\n`;
    // A subject is nearly always plain letters; at worst each of them takes three bytes.
    this.#room(line.length * 3 + size + 2);
    this.#at += this.#buffer.write(line, this.#at);
    if (headers.length > 0) {
      this.#buffer.set(headers, this.#at);
      this.#at += headers.length;
    }
    if (typeof data === 'string') this.#at += this.#buffer.write(data, this.#at);
    else {
      this.#buffer.set(data, this.#at);
      this.#at += bytes;
    }
    this.#buffer[this.#at++] = 13;
    this.#buffer[this.#at++] = 10;
    if (this.#said++ === 0) setImmediate(this.#endTurn);
    if (this.#isQuiet && this.#said <= littleMax) queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => this.flush();

  readonly #endTurn = (): void => {
    this.#isQuiet = this.#said <= littleMax;
    this.#said = 0;
    this.flush();
  };

  /** What is said to a broken connection is lost with it. */
  drop(): void {
    this.#at = 0;
  }

  flush(): void {
    const end = this.#at;
    if (end === 0) return;
    this.#at = 0;
    if (this.#connection.isClosed()) return;
    const said = this.#buffer.subarray(0, end);
    // The socket keeps what it is given for as long as it likes: a little is copied, much is given away.
    if (end <= copiedBytesMax) this.#protocol.sendCommand(Buffer.from(said));
    else {
      this.#buffer = Buffer.allocUnsafeSlow(bufferBytes);
      this.#protocol.sendCommand(said);
    }
    this.#protocol.flushPending();
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    this.flush();
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }
}

/** Messages in a turn. */
const littleMax = 4;
const bufferBytes = 64 * 1_024;
const copiedBytesMax = 16 * 1_024;
const none = new Uint8Array(0);
// oxlint-disable-next-line no-control-regex -- these are what must not be in it
const unsayable = /[\0-\x20]/;
