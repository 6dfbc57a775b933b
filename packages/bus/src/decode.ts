// Bytes to JSON, for bytes that anybody may have sent: bounded in size and depth before anything is parsed, never thrown, never
// echoed at length. What a value should look like is the schemas' business.
import { isUtf8 } from 'node:buffer';
import { type DlqReason, limits } from '@capstan/contracts';

export type JsonObject = { readonly [key: string]: unknown };

export interface Undecodable {
  readonly ok: false;
  readonly reason: Extract<DlqReason, 'malformed' | 'too_large' | 'invalid'>;
  readonly message: string;
}
export type Decoded<T> = { readonly ok: true; readonly value: T } | Undecodable;

export interface DecodeOptions {
  readonly bytesMax?: number;
  readonly depthMax?: number;
}

/**
 * A body as the contract has it: a JSON object. A byte order mark is tolerated; `__proto__` as a key is left out, since
 * much code copies keys by assignment; of a key said twice the last counts; whole numbers beyond 2^53 are rounded.
 */
export const decode = (data: Uint8Array, options: DecodeOptions = {}): Decoded<JsonObject> => {
  const decoded = decodeAny(data, options);
  if (!decoded.ok) return decoded;
  const { value } = decoded;
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { ok: true, value: value as JsonObject };
  return refused('invalid', 'The body is JSON, but not an object.');
};

/** The same for any JSON value. */
export const decodeAny = (data: Uint8Array, options: DecodeOptions = {}): Decoded<unknown> => {
  const bytesMax = options.bytesMax ?? limits.bodyBytesMax;
  const depthMax = options.depthMax ?? limits.jsonDepthMax;
  if (data.length > bytesMax)
    return refused('too_large', `The body has ${data.length} bytes; at most ${bytesMax} are taken.`);
  const from = data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf ? 3 : 0;
  if (data.length === from) return refused('malformed', 'The body is empty.');
  if (!isUtf8(data)) return refused('malformed', 'The body is not UTF-8.');
  const look = scan(data, from, depthMax);
  if (look.tooDeep) return refused('invalid', `The JSON nests deeper than ${depthMax}.`);
  const text = textOf(data, from);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused('malformed', `The body is not JSON: ${brief((error as Error).message)}`);
  }
  if (look.bigNumber && hasInfinity(value)) return refused('invalid', 'A number is out of range.');
  // The escaped form "\u005f_proto__" names the same key.
  if (protoText.test(text)) dropProto(value);
  return { ok: true, value };
};

/** For what Capstan itself stored, and proved to have: no bounds. Throws what `JSON.parse` throws. */
export const decodeTrusted = (data: Uint8Array): unknown => JSON.parse(textOf(data, 0));

/** Bytes as text; the bytes must be known to be UTF-8. */
export const textOf = (data: Uint8Array, from = 0): string => utf8Slice.call(data, from, data.length);

/** Of Buffer, but happy with any bytes: no view has to be made first. */
const { utf8Slice } = Buffer.prototype as unknown as {
  utf8Slice(this: Uint8Array, start: number, end: number): string;
};

const refused = (reason: Undecodable['reason'], message: string): Undecodable => ({ ok: false, reason, message });

/** V8 quotes what it stumbled over; a stranger's bytes are not repeated beyond this. */
const brief = (message: string): string => (message.length > 160 ? `${message.slice(0, 160)}…` : message);

const protoText = /__proto__|\\u005[fF]/;

/** One pass over the bytes, outside of strings: `JSON.parse` would overflow the stack of whoever walks what it returns. */
const scan = (data: Uint8Array, from: number, depthMax: number): { tooDeep: boolean; bigNumber: boolean } => {
  let depth = 0;
  let bigNumber = false;
  let digits = 0;
  for (let i = from; i < data.length; i++) {
    const byte = data[i] as number;
    if (byte === quote) {
      // To the closing quote, over what a backslash hides.
      for (i++; i < data.length && data[i] !== quote; i++) if (data[i] === backslash) i++;
      digits = 0;
    } else if (byte === openBracket || byte === openBrace) {
      if (++depth > depthMax) return { tooDeep: true, bigNumber };
    } else if (byte === closeBracket || byte === closeBrace) depth--;
    else if (byte >= zero && byte <= nine) digits++;
    // Only an exponent or more than 308 digits can reach Infinity.
    else if ((byte | 0x20) === letterE && digits > 0) bigNumber = true;
    else if (byte !== dot) {
      if (digits > 308) bigNumber = true;
      digits = 0;
    }
  }
  return { tooDeep: false, bigNumber: bigNumber || digits > 308 };
};

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const zero = 0x30;
const nine = 0x39;
const dot = 0x2e;
const letterE = 0x65;

const hasInfinity = (value: unknown): boolean => {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hasInfinity);
};

const dropProto = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return;
  if (Object.hasOwn(value, '__proto__')) Reflect.deleteProperty(value, '__proto__');
  for (const inner of Object.values(value)) dropProto(inner);
};
