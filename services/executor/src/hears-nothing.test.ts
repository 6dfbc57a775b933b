// An executor hears of the tasks that left files with it. Most leave none: then it hears of no end at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newAgentWorld } from '@capstan/kit/testing';
import { newExecutor } from './executor.ts';

const others = 1_000;

test('an executor without such tasks receives nothing of the ends of tasks', async () => {
  await using world = await newAgentWorld();
  const { bus } = await world.start(newExecutor(), { CAPSTAN_UNSAFE_HOST_SHELL: 'true' });
  await world.report(await world.order({ queue: 'executor', capability: 'noop' }));
  const { connection } = bus.line;
  await connection.flush();
  const before = connection.stats().inMsgs;
  for (let n = 0; n < others; n += 1) world.bus.tell(world.bus.names.notice('default', `t${n}`, 'succeeded'), '{}');
  // The server takes what one connection says in order, and hands out in order what another one hears.
  await world.report(await world.order({ queue: 'executor', capability: 'noop' }));
  await connection.flush();
  const heard = connection.stats().inMsgs - before;
  // The second order, and what belongs to it.
  assert.ok(heard < 50, `${heard} messages for one order`);
});
