// Fails the first attempts, for trying out retries. How many were made follows from the order, so nothing is remembered here.
import { done, reject, retry } from '@capstan/kit';
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const fail = defineTool({
  name: 'fail',
  description: 'Fails its first attempts, then succeeds.',
  input: z.looseObject({
    times: z.int().min(0).default(1),
    code: z.string().min(1).max(64).default('failed'),
    message: z.string().max(4_096).optional(),
    retryable: z.boolean().default(true),
    after_ms: z.int().min(0).optional(),
  }),
  output: z.strictObject({ attempt: z.int() }),
  risk: 'low',
  needs: {},
  run: async ({ times, code, message, retryable, after_ms: afterMs }, { order }) => {
    const { attempt } = order;
    if (attempt > times) return done({ attempt });
    const text = message ?? `Failed as it was told to: attempt ${attempt}, ${times} to fail.`;
    return retryable ? retry(code, text, afterMs === undefined ? {} : { afterMs }) : reject(code, text);
  },
});
