// Watches something until it has been healthy for a while: an HTTP address, or a query to Prometheus. Otherwise it fails with what it saw.
import { type Failed, done, OutboundError, pause, reject, Stopped } from '@capstan/kit';
import { z } from 'zod';
import { outcomeOf, send } from '../outbound.ts';
import { defineTool, type ToolContext } from '../tool.ts';

const http = z.looseObject({
  url: z.string().min(1).max(8_192),
  headers: z.record(z.string(), z.string()).default({}),
  status: z
    .array(z.int().min(100).max(599))
    .min(1)
    .optional()
    .describe('What counts as healthy; 200 to 299 where absent'),
  contains: z.string().min(1).optional().describe('A text that the body must have'),
});

const promql = z.looseObject({
  url: z.string().min(1).max(8_192).describe('Of Prometheus, or of what speaks as it does: http://prometheus:9090'),
  query: z.string().min(1).max(16_384),
  headers: z.record(z.string(), z.string()).default({}),
  above: z.number().optional().describe('Every value must be more than this'),
  below: z.number().optional().describe('Every value must be less than this'),
  empty: z.enum(['unhealthy', 'healthy']).default('unhealthy').describe('What no value at all means'),
});

const input = z
  .looseObject({
    http: http.optional(),
    promql: promql.optional(),
    healthy_for_ms: z
      .int()
      .min(0)
      .max(86_400_000)
      .default(30_000)
      .describe('For how long it must be healthy without a break'),
    every_ms: z.int().min(10).max(3_600_000).default(5_000),
    give_up_ms: z
      .int()
      .min(1)
      .max(86_400_000)
      .default(540_000)
      .describe('When it has not been healthy for that long by then, it fails'),
    request_timeout_ms: z.int().min(1).max(600_000).default(10_000),
  })
  .refine((asked) => (asked.http === undefined) !== (asked.promql === undefined), {
    path: ['http'],
    error: 'must be there, or "promql", and not both',
  })
  .refine(({ promql: query }) => query === undefined || query.above !== undefined || query.below !== undefined, {
    path: ['promql', 'below'],
    error: 'must be there, or "above", or both: what counts as healthy?',
  })
  .refine((asked) => asked.healthy_for_ms < asked.give_up_ms, {
    path: ['give_up_ms'],
    error: 'must be more than healthy_for_ms, or it could never be healthy',
  });

type Asked = z.output<typeof input>;

interface Seen {
  readonly at: string;
  readonly healthy: boolean;
  readonly what: string;
}

const seen = z.strictObject({ at: z.string(), healthy: z.boolean(), what: z.string() });

export const monitor = defineTool({
  name: 'monitor',
  description: 'Watches an HTTP address or a Prometheus query until it has been healthy for a while.',
  input,
  output: z.strictObject({
    healthy: z.boolean(),
    checks: z.int(),
    healthy_for_ms: z.int(),
    seen: z.array(seen).describe('The last of what was seen, each time that it was something else'),
  }),
  risk: 'low',
  needs: { egress: ['*'], time_ms: 540_000 },
  run: async (asked, context) => {
    const { signal, progress, output } = context;
    const startedAt = performance.now();
    const changes: Seen[] = [];
    let healthySince: number | null = null;
    for (let checks = 1; ; checks++) {
      const { healthy, what } = await look(asked, context);
      const now = performance.now();
      healthySince = healthy ? (healthySince ?? now) : null;
      const healthyFor = healthySince === null ? 0 : Math.round(now - healthySince);
      if (changes.at(-1)?.what !== what) {
        changes.push({ at: new Date().toISOString(), healthy, what });
        if (changes.length > changesKept) changes.shift();
        output('monitor', `${healthy ? 'healthy' : 'not healthy'}: ${what}\n`);
      }
      const result = { healthy, checks, healthy_for_ms: healthyFor, seen: changes };
      if (healthy && healthyFor >= asked.healthy_for_ms) return done(result);
      if (now - startedAt + asked.every_ms > asked.give_up_ms) {
        const state = healthy ? `healthy for ${healthyFor} ms only` : 'not healthy';
        const words = `After ${Math.round(now - startedAt)} ms and ${checks} checks it is ${state}: ${what}`;
        return reject('unhealthy', words, { output: result });
      }
      progress(asked.healthy_for_ms === 0 ? 0 : (healthyFor / asked.healthy_for_ms) * 100, what);
      await pause(asked.every_ms, signal);
      signal.throwIfAborted();
    }
  },
});

const changesKept = 20;
const bytesMax = 1_024 * 1_024;

type Look = { readonly healthy: boolean; readonly what: string };

/** Throws where it will never be any better: an address that may not be reached, a query that is none. */
const look = async (asked: Asked, context: ToolContext): Promise<Look> => {
  try {
    return asked.promql
      ? await query(asked.promql, asked, context)
      : await visit(asked.http as z.output<typeof http>, asked, context);
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    const failed: Failed = outcomeOf(error);
    if (!failed.retryable) throw new Stopped(failed, { cause: error });
    context.signal.throwIfAborted();
    return { healthy: false, what: failed.message };
  }
};

const visit = async (
  { url, headers, status, contains }: z.output<typeof http>,
  asked: Asked,
  context: ToolContext,
): Promise<Look> => {
  const answer = await send({ method: 'GET', url, headers, timeoutMs: asked.request_timeout_ms, bytesMax }, context);
  const expected = status ? status.includes(answer.status) : answer.status >= 200 && answer.status < 300;
  if (!expected) return { healthy: false, what: `it answers ${answer.status}` };
  if (contains !== undefined && !answer.body.toString('utf8').includes(contains))
    return { healthy: false, what: `it answers ${answer.status}, and its body has no "${contains}"` };
  return { healthy: true, what: `it answers ${answer.status}` };
};

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly errorType?: string;
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

const query = async (
  asked: z.output<typeof promql>,
  { request_timeout_ms: timeoutMs }: Asked,
  context: ToolContext,
): Promise<Look> => {
  const url = new URL(`${asked.url.replace(/\/$/, '')}/api/v1/query`);
  url.searchParams.set('query', asked.query);
  const answer = await send({ method: 'GET', url: url.href, headers: asked.headers, timeoutMs, bytesMax }, context);
  const said = answerOf(answer.body.toString('utf8'));
  if (said?.errorType === 'bad_data')
    throw new Stopped(reject('invalid_query', `Prometheus refuses the query: ${said.error}`));
  if (said?.status !== 'success' || !said.data)
    return { healthy: false, what: `Prometheus answers ${answer.status}${said?.error ? `: ${said.error}` : ''}` };
  const values = valuesOf(said.data);
  if (values.length === 0) return { healthy: asked.empty === 'healthy', what: 'the query has no value' };
  // What is no number, NaN among it, is neither above nor below anything.
  const isWell = (value: number) =>
    (asked.above === undefined || value > asked.above) && (asked.below === undefined || value < asked.below);
  const wrong = values.find(({ value }) => !isWell(value));
  const shown = wrong ?? (values[0] as { name: string; value: number });
  const limits = [
    ...(asked.above === undefined ? [] : [`above ${asked.above}`]),
    ...(asked.below === undefined ? [] : [`below ${asked.below}`]),
  ].join(' and ');
  return { healthy: wrong === undefined, what: `${shown.name} is ${shown.value}, to be ${limits}` };
};

const answerOf = (text: string): Answer | null => {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return null;
  }
};

const valuesOf = ({ resultType, result }: NonNullable<Answer['data']>): { name: string; value: number }[] => {
  if (resultType === 'scalar') return [{ name: 'the value', value: Number((result as [number, string])[1]) }];
  if (resultType !== 'vector') return [];
  return (result as { metric: Record<string, string>; value: [number, string] }[]).map(({ metric, value }) => {
    const { __name__: name = '', ...labels } = metric;
    const inner = Object.entries(labels).map(([key, text]) => `${key}="${text}"`);
    return { name: `${name}{${inner.join(', ')}}`, value: Number(value[1]) };
  });
};
