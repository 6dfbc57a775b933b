// What does not go on by itself is listed, and one command lets it go on; what succeeded is not done again, not even after every process died.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import { usualWork } from './support/agent.ts';
import { newId, startWorld } from './support/world.ts';

interface Listed {
  readonly tasks: { readonly task_id: string; readonly how: string | null; readonly succeeded: number }[];
}

test('recoverable tasks are listed with what each needs, and one is recovered', async () => {
  await using world = await startWorld({ agent: false });
  let isMended = false;
  const ran: string[] = [];
  await world.agent({
    work: {
      ...usualWork,
      noop: ({ task_id, step_id }) => {
        ran.push(`${task_id}.${step_id}`);
        return { outcome: 'succeeded', output: {} };
      },
      shaky: () =>
        isMended
          ? { outcome: 'succeeded', output: {} }
          : { outcome: 'failed', error: { code: 'down', message: 'It is down.' } },
    },
  });
  const [failed, paused, planned, fine] = [newId('failed'), newId('paused'), newId('planned'), newId('fine')];
  const steps = [
    { id: 'first', capability: 'noop' },
    { id: 'second', capability: 'shaky', depends_on: ['first'], retry: { max_attempts: 1 } },
    { id: 'third', capability: 'noop', depends_on: ['second'] },
  ];
  await world.submit({ task_id: failed, plan: { steps } });
  await world.submit({ task_id: paused, plan: { steps }, on_failure: 'pause' });
  await world.submit({ task_id: planned, plan: { steps: steps.slice(0, 1) }, start: false });
  await world.submit({ task_id: fine, plan: { steps: steps.slice(0, 1) } });
  await world.stored(failed, 'it failed', ({ status }) => status === 'failed');
  await world.stored(paused, 'it paused', ({ status }) => status === 'paused');
  await world.stored(planned, 'it is planned', ({ status }) => status === 'planned');
  await world.stored(fine, 'it succeeded', ({ status }) => status === 'succeeded');

  // A crash of everything changes nothing of that.
  for (const one of world.coordinators) await one.kill();
  const next = await world.coordinator();
  const ownsAll = (line: { msg: string; owned?: unknown }) =>
    line.msg === 'partitions changed hands' && line.owned === limits.partitions;
  await next.logged('that it owns all', ownsAll, 40_000);
  const { tasks } = await world.api<Listed>('task.recoverable', {});
  const how = Object.fromEntries(tasks.map((task) => [task.task_id, `${task.how} ${task.succeeded}`]));
  assert.deepEqual(how, { [failed]: 'retry 1', [paused]: 'resume 1', [planned]: 'execute 0' });

  isMended = true;
  const answer = await world.api('task.recover', { task_id: failed, by: 'alice' });
  assert.deepEqual([answer['how'], answer['kept']], ['retry', 1]);
  const ended = await world.ended(failed);
  assert.deepEqual([ended.status, ended.steps['first']?.attempt], ['succeeded', 1]);
  assert.equal(ran.filter((name) => name === `${failed}.first`).length, 1);
  await world.api('task.recover', { task_id: planned, by: 'alice' });
  assert.equal((await world.ended(planned)).status, 'succeeded');
  assert.equal((await world.ask('task.recover', { task_id: fine })).error?.code, 'conflict');
  assert.equal((await world.ask('task.recover', { task_id: 'nothing' })).error?.code, 'not_found');
});
