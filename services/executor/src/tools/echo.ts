// Gives back what it was given, so that a plan can be watched, and data of several steps be put together.
import { done } from '@capstan/kit';
import { z } from 'zod';
import { defineTool } from '../tool.ts';

const anything = z.looseObject({});

export const echo = defineTool({
  name: 'echo',
  description: 'Gives its input back as its output.',
  input: anything,
  output: anything,
  risk: 'low',
  needs: {},
  run: async (input) => done(input),
});
