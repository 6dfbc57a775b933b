// One HTTP request to a place outside: resolve, check the address, connect to that very address; the same again for each redirect.
// What is asked and what an answer means is the caller's business.
import { lookup as resolveName, type LookupAddress } from 'node:dns';
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { bare, mayConnect, mayTry, type Places } from './places.ts';

export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** For all of it, redirects included. */
  readonly timeoutMs: number;
  /** What is read of an answer; the rest is dropped. */
  readonly bytesMax: number;
  readonly redirectsMax?: number;
  readonly signal?: AbortSignal;
  readonly places: Places;
  /** Every request that it takes, redirects included, once each is answered or has failed. */
  readonly told?: ((request: ToldRequest) => void) | undefined;
}

export interface ToldRequest {
  readonly method: string;
  /** Without the query, which may hold a token. */
  readonly url: string;
  readonly status?: number;
  readonly error?: string;
  readonly ms: number;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly truncated: boolean;
  /** Where the answer came from in the end. */
  readonly url: string;
}

export type OutboundErrorCode =
  | 'invalid_url'
  | 'forbidden_address'
  | 'unreachable'
  | 'timeout'
  | 'too_many_redirects'
  | 'redirect_with_body'
  | 'aborted';

export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly code: OutboundErrorCode;
  constructor(code: OutboundErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Resolves with an answer of any status; throws `OutboundError` where there is none. */
export const request = (asked: OutboundRequest): Promise<OutboundResponse> =>
  follow(asked, (message, hop) => answerOf(message, hop, asked.bytesMax));

/** The same with a body that is still to come; reading it is under the same time limit and the same signal. */
export const openRequest = (
  asked: Omit<OutboundRequest, 'bytesMax'>,
): Promise<{ readonly message: IncomingMessage; readonly url: string }> =>
  follow(asked, async (message, hop) => ({ message, url: hop.url.href }));

const follow = async <T>(
  asked: Omit<OutboundRequest, 'bytesMax'>,
  read: (message: IncomingMessage, hop: Hop) => Promise<T>,
): Promise<T> => {
  const timeout = AbortSignal.timeout(Math.min(asked.timeoutMs, 2_000_000_000));
  const signal = asked.signal ? AbortSignal.any([asked.signal, timeout]) : timeout;
  let hop: Hop = {
    method: asked.method.toUpperCase(),
    url: parse(asked.url),
    headers: asked.headers ?? {},
    body: asked.body,
  };
  let sentAt = performance.now();
  const say = (more: { readonly status?: number; readonly error?: string }) =>
    asked.told?.({
      method: hop.method,
      url: plain(hop.url),
      ms: Math.round(performance.now() - sentAt),
      ...more,
    });
  let answered = false;
  try {
    for (let redirects = 0; ; redirects++) {
      [answered, sentAt] = [false, performance.now()];
      const message = await send(hop, asked.places, signal);
      const status = message.statusCode ?? 0;
      const location = goesOn(message);
      if (location === null) {
        const all = await read(message, hop);
        say({ status });
        return all;
      }
      message.destroy();
      answered = true;
      say({ status });
      const next = redirected(status, location, hop);
      if (redirects >= (asked.redirectsMax ?? 5))
        throw new OutboundError('too_many_redirects', `${plain(hop.url)} redirects once too often.`);
      hop = next;
    }
  } catch (error) {
    const why = error instanceof OutboundError ? error : failureOf(error, hop, asked, timeout.aborted);
    if (!answered) say({ error: why.message });
    throw why;
  }
};

const failureOf = (
  cause: unknown,
  { url }: Hop,
  { timeoutMs, signal }: Pick<OutboundRequest, 'timeoutMs' | 'signal'>,
  late: boolean,
): OutboundError => {
  if (late) return new OutboundError('timeout', `${plain(url)} did not answer within ${timeoutMs} ms.`, { cause });
  if (signal?.aborted) return new OutboundError('aborted', 'The request was given up.', { cause });
  const said = (cause as Error).message || (cause as NodeJS.ErrnoException).code;
  return new OutboundError('unreachable', `${plain(url)}: ${said}`, { cause });
};

/** For programs that connect by themselves: the addresses that they may connect to. Throws `OutboundError`. */
export const addressesAllowed = async (
  address: string,
  places: Places,
  signal: AbortSignal,
): Promise<{ readonly host: string; readonly port: number; readonly addresses: readonly string[] }> => {
  const url = parse(address);
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  try {
    const addresses = (await addressesOf(url, port, places, signal)).map((one) => one.address);
    return { host: bare(url.hostname), port, addresses };
  } catch (error) {
    if (error instanceof OutboundError || signal.aborted) throw error;
    throw new OutboundError('unreachable', `${plain(url)}: ${(error as Error).message}`, { cause: error });
  }
};

interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | undefined;
}

const parse = (text: string, base?: URL): URL => {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : null;
  if (!url) throw new OutboundError('invalid_url', `"${text.slice(0, 100)}" is no address.`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new OutboundError('invalid_url', `${url.protocol} is not spoken here; use http: or https:.`);
  // It would stand in logs and errors.
  if (url.username || url.password)
    throw new OutboundError(
      'invalid_url',
      'An address with a user or password is refused; put it into a header as a secret.',
    );
  return url;
};

const send = async (
  { method, url, headers, body }: Hop,
  places: Places,
  signal: AbortSignal,
): Promise<IncomingMessage> => {
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const addresses = await addressesOf(url, port, places, signal);
  const lookup: LookupFunction = (_name, options, found) => {
    const first = addresses[0] as LookupAddress;
    if (options.all) found(null, addresses);
    else found(null, first.address, first.family);
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const client: ClientRequest = start(url, {
    method,
    // Nothing is unpacked here, so nothing can blow up.
    headers: {
      'user-agent': 'capstan',
      accept: '*/*',
      ...lowerCase(headers),
      'accept-encoding': 'identity',
      ...length,
    },
    lookup,
    signal,
    agent: false,
    maxHeaderSize: 64 * 1_024,
  });
  client.once('response', resolve);
  client.once('error', reject);
  client.end(body);
  return promise;
};

const addressesOf = async (url: URL, port: number, places: Places, signal: AbortSignal): Promise<LookupAddress[]> => {
  const host = bare(url.hostname);
  if (!mayTry(places, host, port))
    throw new OutboundError('forbidden_address', `${host}:${port} is not among the places that this may reach.`);
  const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await resolve(host, signal);
  const open = found.filter(({ address }) => mayConnect(places, host, port, address));
  if (open.length === 0)
    throw new OutboundError('forbidden_address', `${host}:${port} is a private address, and not listed as allowed.`);
  return open;
};

const resolve = (host: string, signal: AbortSignal): Promise<LookupAddress[]> =>
  new Promise((found, failed) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', () => failed(signal.reason as Error), { once: true });
    resolveName(host, { all: true, verbatim: true }, (error, addresses) => (error ? failed(error) : found(addresses)));
  });

const goesOn = ({ headers, statusCode = 0 }: IncomingMessage): string | null =>
  [301, 302, 303, 307, 308].includes(statusCode) ? (headers.location ?? null) : null;

const redirected = (status: number, to: string, hop: Hop): Hop => {
  const url = parse(to, hop.url);
  const asGet = status === 303 || (status < 303 && hop.method === 'POST');
  const kept = Object.entries(lowerCase(hop.headers)).filter(([name]) => {
    // What proves who we are is for the place it was meant for, and any header may hold a secret.
    if (url.origin !== hop.url.origin && !harmless.has(name)) return false;
    return !(asGet && name.startsWith('content-'));
  });
  const headers = Object.fromEntries(kept);
  // So may a body; without it, the request would be another one.
  if (!asGet && hop.body !== undefined && url.origin !== hop.url.origin)
    throw new OutboundError(
      'redirect_with_body',
      `${plain(hop.url)} redirects to ${url.origin}, which would get the body that was meant for the first; ask for that address itself if it may have it.`,
    );
  return asGet
    ? { method: hop.method === 'HEAD' ? 'HEAD' : 'GET', url, headers, body: undefined }
    : { ...hop, url, headers };
};

const harmless = new Set(['accept', 'accept-language', 'content-type', 'user-agent']);

const answerOf = async (message: IncomingMessage, hop: Hop, bytesMax: number): Promise<OutboundResponse> => {
  const chunks: Buffer[] = [];
  let size = 0;
  let truncated = false;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > bytesMax) {
      truncated = true;
      break;
    }
  }
  message.destroy();
  const body = Buffer.concat(chunks).subarray(0, bytesMax);
  return { status: message.statusCode ?? 0, headers: flat(message.headers), body, truncated, url: hop.url.href };
};

const flat = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );

const lowerCase = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** Without the query, which may hold a token. */
const plain = (url: URL): string => `${url.origin}${url.pathname}`;

/** How long a far side asks to be left alone; null where it does not say. */
export const retryAfterMs = (header: string | undefined, now: number): number | null => {
  if (header === undefined || header.trim() === '') return null;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1_000;
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), 24 * 3_600_000);
};
