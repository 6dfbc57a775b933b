// An agent in a process of its own, for service.test.ts: holds its first order until it is told to stop, unless FINISH says otherwise.
import { once } from 'node:events';
import { defineAgent, done, runAgent } from './index.ts';

await runAgent(
  defineAgent({
    queue: 'slow',
    capabilities: ['x'],
    run: async (_order, { signal }) => {
      if (!process.env['FINISH'] && !signal.aborted) await once(signal, 'abort');
      return done({ pid: process.pid });
    },
  }),
);
