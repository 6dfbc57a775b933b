// One HTTP request. Private addresses are out of reach unless the configuration lists them; a step's own `sandbox.egress` narrows it
// further. Sent with the order's name as its idempotency key, so that a far side that knows such keys does the work once.
import { done, type Outcome, type OutboundResponse, reject, retry, retryAfterMs } from '@capstan/kit';
import { z } from 'zod';
import { outcomeOf, send } from '../outbound.ts';
import { defineTool, type ToolContext } from '../tool.ts';

const statusPattern = z.union([
  z.int().min(100).max(599),
  z.string().regex(/^[1-5]xx$/, 'a status such as 200, or a class such as "2xx"'),
]);

const input = z.looseObject({
  method: z
    .string()
    .regex(/^[A-Za-z]{1,16}$/, 'must be a method such as GET')
    .default('GET'),
  url: z.string().min(1).max(8_192),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be a header name'),
      z
        .string()
        .max(8_192)
        .regex(/^[^\r\n\0]*$/, 'must be one line'),
    )
    .default({}),
  body: z.unknown().optional().describe('Text is sent as it is; anything else as JSON'),
  timeout_ms: z.int().min(1).max(3_600_000).default(30_000),
  max_bytes: z
    .int()
    .min(0)
    .max(64 * 1_024 * 1_024)
    .default(1_024 * 1_024),
  max_redirects: z.int().min(0).max(20).default(5),
  expect: z
    .looseObject({ status: z.union([statusPattern, z.array(statusPattern).min(1)]).default('2xx') })
    .prefault({}),
});

export const http = defineTool({
  name: 'http',
  description: 'Sends an HTTP request and gives back status, headers and body.',
  input,
  output: z.strictObject({
    status: z.int(),
    headers: z.record(z.string(), z.string()),
    body: z.unknown().describe('Parsed where it is JSON, text where it is text, base64 otherwise'),
    encoding: z.enum(['json', 'text', 'base64']),
    truncated: z.boolean(),
    url: z.string(),
  }),
  risk: 'medium',
  needs: { egress: ['*'] },
  run: async (asked, context) => {
    try {
      return judge(asked, await send(outgoing(asked, context), context));
    } catch (error) {
      return outcomeOf(error);
    }
  },
});

type Asked = z.output<typeof input>;

const outgoing = (asked: Asked, { key }: ToolContext) => {
  const isText = typeof asked.body === 'string';
  const body = asked.body === undefined ? {} : { body: isText ? (asked.body as string) : JSON.stringify(asked.body) };
  const names = new Set(Object.keys(asked.headers).map((name) => name.toLowerCase()));
  const headers = { ...asked.headers };
  if (asked.body !== undefined && !isText && !names.has('content-type')) headers['content-type'] = 'application/json';
  if (!names.has('idempotency-key') && !['GET', 'HEAD', 'OPTIONS'].includes(asked.method.toUpperCase()))
    headers['idempotency-key'] = key;
  return {
    method: asked.method,
    url: asked.url,
    headers,
    ...body,
    timeoutMs: asked.timeout_ms,
    bytesMax: asked.max_bytes,
    redirectsMax: asked.max_redirects,
  };
};

const judge = (asked: Asked, response: OutboundResponse): Outcome => {
  const output = {
    status: response.status,
    headers: response.headers,
    ...bodyOf(response),
    truncated: response.truncated,
    url: response.url,
  };
  const expected = [asked.expect.status].flat();
  if (expected.some((pattern) => pattern === response.status || pattern === `${Math.floor(response.status / 100)}xx`))
    return done(output);
  const message = `${asked.method.toUpperCase()} ${response.url.replace(/\?.*$/, '')} answered ${response.status}, expected ${expected.join(' or ')}.`;
  const busy = response.status === 408 || response.status === 425 || response.status === 429 || response.status >= 500;
  if (!busy) return reject(`http_${response.status}`, message, { output });
  const afterMs = retryAfterMs(response.headers['retry-after'], Date.now());
  return retry(`http_${response.status}`, message, { output, ...(afterMs === null ? {} : { afterMs }) });
};

const bodyOf = ({
  body,
  headers,
  truncated,
}: OutboundResponse): { body: unknown; encoding: 'json' | 'text' | 'base64' } => {
  const type = headers['content-type'] ?? '';
  if (/[/+]json\b/i.test(type) && !truncated) {
    try {
      return { body: JSON.parse(body.toString('utf8')), encoding: 'json' };
    } catch {
      // It says so, and isn't: then it is text.
    }
  }
  const text = body.toString('utf8');
  // What is no UTF-8 does not survive being made into text.
  if (Buffer.from(text).equals(body) || (truncated && /^text\//i.test(type))) return { body: text, encoding: 'text' };
  return { body: body.toString('base64'), encoding: 'base64' };
};
