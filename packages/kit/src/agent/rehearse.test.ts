// The rehearsal of an agent is over by itself, and leaves nothing that would keep a process alive.
import { test } from 'node:test';
import { loadConfig } from '../config.ts';
import { defineAgent } from '../define-agent.ts';
import { done } from '../outcome.ts';
import { rehearse } from './rehearse.ts';

test('every made-up order is reported', async () => {
  const agent = defineAgent({ queue: 'q', capabilities: ['x'], run: async () => done() });
  await rehearse(loadConfig('q', agent.section, {}));
});
