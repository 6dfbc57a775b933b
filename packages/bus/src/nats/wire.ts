// The bytes of NATS messages: headers written and read by hand, and what JetStream tells in a reply subject. nats.js' own header
// reader throws at a name that a stranger misspelt, and inside a callback that silently stops the whole connection (3.4.0).
import type { Msg } from 'nats';
import { textOf } from '../decode.ts';
import type { Message, Wire } from '../port.ts';

export type Headers = Readonly<Record<string, string>>;

export const headerLines = (headers: Headers | undefined): string => {
  let lines = '';
  for (const name in headers) {
    const value = headers[name] as string;
    if (!/^[!-9;-~]+$/.test(name) || /[\r\n\0]/.test(value))
      throw new TypeError(`A header "${name.slice(0, 64)}" can't be sent as it is.`);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
};

export const headerBytes = (lines: string): Uint8Array => Buffer.from(`NATS/1.0\r\n${lines}\r\n`);

/** Names as they were sent, in order; what is no header is left out. */
export const parseHeaders = (bytes: Uint8Array): [string, string][] => {
  const found: [string, string][] = [];
  const lines = text(bytes).split('\r\n');
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    const colon = line.indexOf(':');
    if (colon > 0) found.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  return found;
};

/** The number behind `NATS/1.0` of a status message such as `NATS/1.0 503`; 0 where there is none. */
export const statusOf = (msg: Msg): number => {
  const bytes = rawHeaders(msg);
  if (bytes === null || bytes.length < 12 || bytes[8] !== space) return 0;
  return ((bytes[9] as number) - zero) * 100 + ((bytes[10] as number) - zero) * 10 + ((bytes[11] as number) - zero);
};

export const statusText = (msg: Msg): string => {
  const bytes = rawHeaders(msg);
  return bytes === null ? '' : (text(bytes).split('\r\n', 1)[0]?.slice(13) ?? '');
};

/** nats.js keeps headers and body in one piece, and gives out headers only parsed. The version is pinned. */
const rawHeaders = (msg: Msg): Uint8Array | null => {
  const { _msg, _rdata } = msg as unknown as { _msg: { hdr: number }; _rdata?: Uint8Array };
  return _msg.hdr > 0 && _rdata ? _rdata.subarray(0, _msg.hdr) : null;
};

/** The number at the end of its subject; over the bytes, since each answer ends in one. */
export const lastNumber = (msg: Msg): number => {
  const { subject } = (msg as unknown as { _msg: { subject: Uint8Array } })._msg;
  let number = 0;
  for (let at = subject.lastIndexOf(dot) + 1; at < subject.length; at++)
    number = number * 10 + (subject[at] as number) - zero;
  return number;
};

export const headersOf = (msg: Msg): [string, string][] => {
  const bytes = rawHeaders(msg);
  return bytes === null ? [] : parseHeaders(bytes);
};

export const find = (headers: [string, string][], name: string): string | undefined => {
  const wanted = name.toLowerCase();
  for (const [key, value] of headers) if (key.toLowerCase() === wanted) return value;
  return undefined;
};

/** What a pulled message carries in its reply subject. One object for all: read it before the next message comes. */
export interface Place {
  deliveries: number;
  seq: number;
  /** Counts what this consumer was handed, without gaps. */
  nth: number;
  at: number;
  pending: number;
}

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<seq>.<nth>.<nanoseconds>.<pending>`, or the later form with domain and account before the
 * stream and a random token at the end; null for anything else. Over the bytes, since this runs for every message.
 */
export const placeOf = (msg: Msg): Place | null => {
  const bytes = (msg as unknown as { _msg: { reply?: Uint8Array } })._msg.reply;
  if (!bytes || bytes.length < 20 || bytes[0] !== dollar || bytes[4] !== capitalA) return null;
  let dots = 0;
  for (const byte of bytes) if (byte === dot) dots++;
  let at = 0;
  for (let skip = dots > 8 ? 6 : 4; skip > 0; at++) if (bytes[at] === dot) skip--;
  const next = (without = 0): number => {
    let end = at;
    while (end < bytes.length && bytes[end] !== dot) end++;
    let number = 0;
    for (; at < end - without; at++) number = number * 10 + ((bytes[at] as number) - zero);
    at = end + 1;
    return number;
  };
  place.deliveries = next();
  place.seq = next();
  place.nth = next();
  // Nanoseconds are more than a number holds exactly: their last six digits are left out.
  place.at = next(6);
  place.pending = next();
  return place;
};

const place: Place = { deliveries: 0, seq: 0, nth: 0, at: 0, pending: 0 };

/** A message out of a stream, as a consumer got it. */
export class PulledMessage implements Message {
  readonly seq: number;
  readonly at: number;
  protected readonly msg: Msg;
  #headers: [string, string][] | undefined;
  #subject: string | undefined;

  constructor(msg: Msg, place: Place) {
    this.msg = msg;
    this.seq = place.seq;
    this.at = place.at;
  }

  get subject(): string {
    return (this.#subject ??= textOf((this.msg as unknown as { _msg: { subject: Uint8Array } })._msg.subject));
  }

  get data(): Uint8Array {
    return this.msg.data;
  }

  header(name: string): string | undefined {
    return find(this.headers(), name);
  }

  headers(): [string, string][] {
    this.#headers ??= headersOf(this.msg);
    return this.#headers;
  }
}

/** A message out of a stream, as the leader answers it to a look-up. */
export interface StoredJson {
  readonly subject: string;
  readonly seq: number;
  readonly time: string;
  readonly data?: string;
  readonly hdrs?: string;
}

export const storedMessage = (json: StoredJson): Message => {
  const headers = json.hdrs ? parseHeaders(Buffer.from(json.hdrs, 'base64')) : [];
  return {
    subject: json.subject,
    data: json.data ? Buffer.from(json.data, 'base64') : nothing,
    seq: json.seq,
    at: Date.parse(json.time),
    header: (name) => find(headers, name),
    headers: () => headers,
  };
};

export const wireOf = (msg: Msg): Wire => ({
  subject: msg.subject,
  data: msg.data,
  reply: msg.reply || null,
  header: (name) => find(headersOf(msg), name),
});

export const nothing: Uint8Array = new Uint8Array(0);

const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');

const space = 0x20;
const zero = 0x30;
const dot = 0x2e;
const dollar = 0x24;
const capitalA = 0x41;
