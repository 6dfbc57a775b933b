// Burying: what can't be handled is kept as it came, its original bytes as the body, with short printable headers that say why and what to do.
// Name-once: the id is made of what identifies the message, so whoever buries it, and however often, there is one. What becomes of it
// afterwards is in dead-letters.ts.
import { type DlqReason, dlqHeaders } from '@capstan/contracts';
import { sha256 } from './canonical.ts';
import { isBusError } from './error.ts';
import type { Bus, Said } from './port.ts';

export interface Burial {
  /** The service that gives up on it. */
  readonly source: string;
  readonly reason: DlqReason;
  readonly error: string;
  /** One sentence: what to do, with the exact command. One is made up where there is none. */
  readonly hint?: string | undefined;
  readonly message: Corpse;
  readonly attempts?: number | undefined;
  readonly task?: string | undefined;
  readonly step?: string | undefined;
  /** What makes it this one and no other; by default stream, sequence and time of the message. */
  readonly identity?: string | undefined;
  /** Now, in milliseconds. */
  readonly at?: number | undefined;
}

/** A `Message` of the bus will do; so will what never was in a stream, with an `identity`. */
export interface Corpse {
  readonly subject: string;
  readonly data: Uint8Array | string;
  readonly stream?: string | undefined;
  readonly seq?: number | undefined;
  readonly at?: number | undefined;
  headers?(): [name: string, value: string][];
}

/** Resolves once it is stored; throws what `once` throws, and then the original must not be let go. */
export const bury = async (bus: Bus, burial: Burial): Promise<Said & { readonly id: string }> => {
  const id = dlqIdOf(burial);
  const { message } = burial;
  const subject = bus.names.dlq(burial.source, burial.reason, id);
  const headers = headersOf(burial, id);
  try {
    return { id, ...(await bus.once({ subject, data: message.data, headers })) };
  } catch (error) {
    if (!isBusError(error, 'too_large')) throw error;
    // It fits the server, but not beside our headers.
    const name = `_dlq/${id}`;
    await bus.objects(bus.names.buckets.artifacts).put(name, Buffer.from(message.data as string));
    const ref = `${bus.names.buckets.artifacts}/${name}`;
    return { id, ...(await bus.once({ subject, data: '', headers: { ...headers, [dlqHeaders.ref]: ref } })) };
  }
};

/** Time is part of it: a stream that was made anew, or lost its end, uses its sequences again. */
export const dlqIdOf = ({ message, identity }: Pick<Burial, 'message' | 'identity'>): string => {
  if (identity === undefined && message.seq === undefined)
    throw new TypeError('A message that was in no stream needs an identity to be buried by.');
  return sha256(identity ?? `${message.stream ?? ''}:${message.seq}:${message.at ?? 0}`).slice(0, 20);
};

/** Percent-encodes all but printable ASCII, and cuts: a header ends at a line break, and is read by people. */
export const printable = (text: string, bytesMax = 512): string => {
  let out = '';
  const bytes = Buffer.from(text.length > bytesMax ? text.slice(0, bytesMax) : text);
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    const edge = at === 0 || at === bytes.length - 1;
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x25;
    const next =
      plain || (byte === 0x20 && !edge)
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
    if (out.length + next.length > bytesMax) break;
    out += next;
  }
  return out;
};

/** The other way; a character that was cut in two shows as such. */
export const unprintable = (text: string): string => {
  if (!text.includes('%')) return text;
  const latin = text.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin, 'latin1').toString('utf8');
};

const headersOf = (burial: Burial, id: string): Record<string, string> => {
  const { message, task, step } = burial;
  const headers: Record<string, string> = {
    [dlqHeaders.id]: id,
    [dlqHeaders.reason]: burial.reason,
    [dlqHeaders.error]: printable(burial.error),
    [dlqHeaders.source]: burial.source,
    [dlqHeaders.at]: new Date(burial.at ?? Date.now()).toISOString(),
    [dlqHeaders.attempts]: String(burial.attempts ?? 1),
    // Whole, since a redrive goes there; no subject is longer than the server's control line.
    [dlqHeaders.subject]: printable(message.subject, 4_096),
    [dlqHeaders.sha256]: sha256(message.data),
    [dlqHeaders.hint]: printable(burial.hint ?? `Mend the cause, then: capstan dlq redrive ${id}`),
  };
  if (message.stream !== undefined) headers[dlqHeaders.stream] = printable(message.stream);
  if (message.seq !== undefined) headers[dlqHeaders.seq] = String(message.seq);
  if (task !== undefined) headers[dlqHeaders.task] = printable(task);
  if (step !== undefined) headers[dlqHeaders.step] = printable(step);
  return { ...headers, ...originals(message.headers?.() ?? []) };
};

/** Under a prefix, so that the server obeys none of them again, and not without end. */
const originals = (headers: [name: string, value: string][]): Record<string, string> => {
  const kept: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value] of headers) {
    const key = dlqHeaders.header + name.replaceAll(/[^A-Za-z0-9!#$&'*+.^_|~-]/g, '_').slice(0, 64);
    const text = printable(value);
    bytes += key.length + text.length;
    if (Object.keys(kept).length >= originalsMax || bytes > originalsBytesMax) break;
    kept[key] ??= text;
  }
  return kept;
};

const originalsMax = 32;
const originalsBytesMax = 8 * 1_024;
