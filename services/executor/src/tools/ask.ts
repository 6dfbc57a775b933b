// Asks a person, and gives the answer as its output. The question is an outcome: nothing waits here meanwhile.
import { limits } from '@capstan/contracts';
import { done, park } from '@capstan/kit';
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const ask = defineTool({
  name: 'ask',
  description: 'Asks a person a question; the answer is the output.',
  input: z.looseObject({
    text: z.string().min(1).max(16_000),
    /** JSON Schema of the answer. */
    schema: z.record(z.string(), z.unknown()).optional(),
    expires_ms: z.int().min(1).max(limits.interventionExpiresMsMax).optional(),
  }),
  output: z.unknown(),
  risk: 'low',
  needs: {},
  run: async ({ text, schema, expires_ms: expiresMs }, { order }) => {
    if (order.answer) return done(order.answer.value);
    return park({
      text,
      ...(schema === undefined ? {} : { schema }),
      ...(expiresMs === undefined ? {} : { expiresMs }),
    });
  },
});
