// A POST of JSON to an address. The key travels as `Idempotency-Key`: a far side that knows such keys takes each notice once, and one that
// doesn't may see it again after a timeout.
import { createHmac } from 'node:crypto';
import { done, OutboundError, reject, request, retry, retryAfterMs } from '@capstan/kit';
import type { Channel } from '../channel.ts';

/** Of what a far side says, for a person who looks for why it failed. */
const answerBytesMax = 1_024;

export const webhook: Channel = {
  name: 'webhook',
  description: 'Sends the notice as JSON to the address in "to".',
  send: async ({ event, to, subject, text, key, task }, { config, signal }) => {
    if (!to) return reject('no_recipient', 'A webhook needs an address in "to".');
    const { allow, timeout_ms: timeoutMs, secret } = config.own.webhook;
    const body = JSON.stringify({ v: 1, event, subject, text, key, task });
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': headerSafe(key),
      'capstan-event': headerSafe(event),
      ...signature(body, secret),
    };
    try {
      const asked = {
        method: 'POST',
        url: to,
        headers,
        body,
        timeoutMs,
        bytesMax: answerBytesMax,
        redirectsMax: 0,
        signal,
        places: { allow },
      };
      return judge(await request(asked));
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      if (error.code === 'too_many_redirects')
        return reject('webhook_redirect', `${error.message} Give the address that it redirects to.`);
      if (error.code === 'unreachable' || error.code === 'timeout' || error.code === 'aborted')
        return retry(`webhook_${error.code}`, error.message);
      const hint = error.code === 'forbidden_address' ? ' CAPSTAN_WEBHOOK_ALLOW lists such places as host:port.' : '';
      return reject(`webhook_${error.code}`, `${error.message}${hint}`);
    }
  },
};

const judge = ({ status, headers, body }: Awaited<ReturnType<typeof request>>) => {
  if (status >= 200 && status < 300) return done({ sent: true, status });
  const said = body.toString('utf8').trim().slice(0, 200);
  const message = `The webhook answered ${status}${said ? `: ${said}` : '.'}`;
  if (status !== 408 && status !== 425 && status !== 429 && status < 500) return reject(`webhook_${status}`, message);
  const afterMs = retryAfterMs(headers['retry-after'], Date.now());
  return retry(`webhook_${status}`, message, afterMs === null ? {} : { afterMs });
};

const signature = (body: string, secret: string | undefined): Record<string, string> =>
  secret === undefined
    ? {}
    : { 'capstan-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };

const headerSafe = (text: string): string => text.replace(/[^\x20-\x7e]/g, '_').slice(0, 256);
