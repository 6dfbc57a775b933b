import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exits } from '../exit.ts';
import { startStandIn } from '../testing.ts';

test('what agents could do but for something that is missing is said once, with what to do', async () => {
  const missing = { shell: 'No Docker Engine answers.', script: 'No Docker Engine answers.' };
  const agent = (instance: string) => ({ queue: 'executor', instance, capabilities: ['echo'], missing });
  await using api = await startStandIn({ 'agent.list': () => ({ agents: [agent('a'), agent('b')] }) });
  const { exit, out, err } = await api.run('agents');
  assert.equal(exit, exits.ok);
  assert.match(out, /executor +a .*echo/);
  assert.deepEqual(err.trim().split('\n'), ['Not just now: shell, script. No Docker Engine answers.']);
});
