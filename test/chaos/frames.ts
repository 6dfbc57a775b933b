// The bytes between a NATS client and its server, cut into protocol messages, so that one of them can be held back, dropped, or be the last.
// Used by the proxy, and inside of processes that are to die at a named point.

export interface Frame {
  readonly bytes: Buffer;
  /** `PUB`, `HPUB`, `MSG`, `HMSG`; of other messages only the bytes matter. */
  readonly verb: string;
  readonly subject: string;
  readonly reply: string;
  readonly payload: Buffer;
}

export class Frames {
  #rest: Buffer = empty;

  /** Every message that is complete now; what is not waits for more. */
  push(chunk: Uint8Array): Frame[] {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      const end = endOf(bytes, at);
      if (end < 0) break;
      frames.push(frameOf(bytes.subarray(at, end)));
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return frames;
  }

  /** What came last and is not complete. */
  get rest(): Buffer {
    return this.#rest;
  }
}

/** Where the message that begins at `at` is over, or -1 where that has not come yet. */
const endOf = (bytes: Buffer, at: number): number => {
  const line = bytes.indexOf('\r\n', at);
  if (line < 0) return -1;
  const sized = /^(?:H?PUB|H?MSG) .*?(\d+)$/i.exec(bytes.toString('latin1', at, line));
  const end = line + 2 + (sized === null ? 0 : Number(sized[1]) + 2);
  return end <= bytes.length ? end : -1;
};

const frameOf = (bytes: Buffer): Frame => {
  const line = bytes.indexOf('\r\n');
  const words = bytes.toString('latin1', 0, line).split(' ');
  const verb = (words[0] ?? '').toUpperCase();
  // How many words there are without a reply subject.
  const usual = { PUB: 3, HPUB: 4, MSG: 4, HMSG: 5 }[verb];
  if (usual === undefined) return { bytes, verb, subject: '', reply: '', payload: empty };
  const sizes = verb.startsWith('H') ? 2 : 1;
  const header = sizes === 2 ? Number(words.at(-2)) : 0;
  return {
    bytes,
    verb,
    subject: words[1] ?? '',
    reply: words.length > usual ? (words.at(-sizes - 1) ?? '') : '',
    payload: bytes.subarray(line + 2 + header, -2),
  };
};

const empty = Buffer.alloc(0);
