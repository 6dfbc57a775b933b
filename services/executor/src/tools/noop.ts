// Does nothing, for measuring and for plans that need a point to meet at.
import { done } from '@capstan/kit';
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const noop = defineTool({
  name: 'noop',
  description: 'Does nothing.',
  input: z.looseObject({}),
  output: z.strictObject({}),
  risk: 'low',
  needs: {},
  run: async () => done({}),
});
