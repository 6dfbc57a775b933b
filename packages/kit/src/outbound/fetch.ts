// `fetch` for libraries that want one, by way of our own requests: the same places, no address that was not checked, and each told.
import { Readable } from 'node:stream';
import type { Places } from './places.ts';
import { openRequest, type ToldRequest } from './request.ts';

export interface FetchOptions {
  readonly places: Places;
  /** For an answer in whole, its body included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Every request, once it is answered or has failed. */
  readonly told?: (request: ToldRequest) => void;
}

export const newFetch =
  ({ places, timeoutMs, signal, told }: FetchOptions): typeof fetch =>
  async (input, init) => {
    const asked = new Request(input, init);
    const body = asked.body === null ? undefined : Buffer.from(await asked.arrayBuffer());
    const signals = [asked.signal, ...(signal ? [signal] : [])];
    const { message, url } = await openRequest({
      method: asked.method,
      url: asked.url,
      headers: Object.fromEntries(asked.headers),
      ...(body === undefined ? {} : { body }),
      timeoutMs,
      signal: AbortSignal.any(signals),
      places,
      told,
    });
    const status = message.statusCode ?? 0;
    const headers = new Headers();
    for (const [name, value] of Object.entries(message.headersDistinct)) {
      for (const each of value ?? []) headers.append(name, each);
    }
    // What may have no body is refused one.
    const empty = [101, 204, 205, 304].includes(status) || asked.method === 'HEAD';
    if (empty) message.resume();
    const response = new Response(empty ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>), {
      status,
      statusText: message.statusMessage ?? '',
      headers,
    });
    Object.defineProperty(response, 'url', { value: url });
    return response;
  };
