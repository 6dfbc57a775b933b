import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, prepare } from '@capstan/bus';
import { exits } from '../exit.ts';
import { startStandIn } from '../testing.ts';

const agent = (capabilities: string[]) => ({ queue: 'executor', instance: 'x', capabilities });

const world = async (...capabilities: string[]) => {
  const api = await startStandIn({ 'agent.list': () => ({ agents: [agent(capabilities)] }) });
  const bus = await connect({ url: api.server.url });
  await prepare(bus);
  const say = (name: string, more: object = {}) =>
    bus.store(bus.names.buckets.tools).set({
      key: `executor.${name}`,
      expect: null,
      data: JSON.stringify({
        name,
        queue: 'executor',
        description: `Does ${name}.`,
        risk: 'medium',
        needs: { sandbox: true },
        input: {
          type: 'object',
          properties: { command: { type: 'string', description: 'What to run' } },
          required: ['command'],
        },
        output: { type: 'object' },
        ...more,
      }),
    });
  return { api, say, stop: () => bus.close() };
};

test('lists tools with who offers them; what its queue offers no longer is left out, and an odd entry harms nobody', async () => {
  const { api, say, stop } = await world('shell', 'http');
  await using _ = api;
  await Promise.all([say('shell'), say('http'), say('gone'), say('odd', { risk: 'none' })]);
  const { exit, out } = await api.run('tools');
  assert.equal(exit, exits.ok);
  assert.deepEqual(
    out.split('\n').map((line) => line.split(/ {2,}/)),
    [
      ['TOOL', 'QUEUE', 'RISK', 'AGENTS', 'WHAT IT DOES'],
      ['http', 'executor', 'medium', '1', 'Does http.'],
      ['shell', 'executor', 'medium', '1', 'Does shell.'],
    ],
  );
  const json = JSON.parse((await api.run('tools', '--json')).out) as { tools: { name: string; input: object }[] };
  assert.deepEqual(
    json.tools.map(({ name }) => name),
    ['http', 'shell'],
  );
  assert.ok(json.tools.every(({ input }) => 'properties' in input));
  await stop();
});

test('describes one tool, and knows what a mistyped name was meant to be', async () => {
  const { api, say, stop } = await world('shell');
  await using _ = api;
  await say('shell');
  const { out } = await api.run('tools', 'shell');
  assert.match(out, /needs +a sandbox for its commands/);
  assert.match(out, /command +string, required: What to run/);
  const { exit, err } = await api.run('tools', 'shel');
  assert.deepEqual([exit, err], [exits.notFound, 'capstan: No agent has described a tool "shel". Did you mean shell?']);
  await stop();
});

test('before any agent has said anything, the remark says what to do', async () => {
  const { api, stop } = await world('x');
  await using _ = api;
  assert.match((await api.run('tools')).err, /npm start/);
  await stop();
});
