// Lets time pass. For pauses of hours, a step's own retry delay or a schedule holds no slot of an executor; this does.
import { limits } from '@capstan/contracts';
import { done, startTimer } from '@capstan/kit';
import { z } from 'zod';
import { defineTool } from '../tool.ts';

export const wait = defineTool({
  name: 'wait',
  description: 'Waits for some milliseconds.',
  input: z.looseObject({ ms: z.number().min(0).max(limits.timeoutMsMax) }),
  output: z.strictObject({ waited_ms: z.number() }),
  risk: 'low',
  needs: {},
  run: async ({ ms }, { signal }) => {
    const startedAt = performance.now();
    await new Promise<void>((over) => {
      const timer = startTimer(ms, over);
      signal.addEventListener('abort', () => {
        timer.stop();
        over();
      });
      if (signal.aborted) over();
    });
    return done({ waited_ms: Math.round(performance.now() - startedAt) });
  },
});
