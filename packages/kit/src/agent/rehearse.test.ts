// The rehearsal of an agent is over by itself, and leaves nothing that would keep a process alive.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../config.ts';
import { defineAgent } from '../define-agent.ts';
import { done } from '../outcome.ts';
import { rehearse } from './rehearse.ts';

test('every made-up order is reported', async () => {
  const agent = defineAgent({ queue: 'q', capabilities: ['x'], run: async () => done() });
  assert.equal(await rehearse(loadConfig('q', agent.section, {})), true);
});

test('one that takes too long is broken off', async () => {
  const agent = defineAgent({ queue: 'q', capabilities: ['x'], run: async () => done() });
  assert.equal(await rehearse(loadConfig('q', agent.section, {}), 0), false);
});
