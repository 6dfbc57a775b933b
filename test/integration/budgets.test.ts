// Budgets over a real server: a spent one ends the task by its name, stops what runs, and tasks below it share what is left.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeTrusted } from '@capstan/bus';
import type { Submission } from '@capstan/contracts';
import { usualWork, type Work } from './support/agent.ts';
import { readAll } from './support/replay.ts';
import { newId, startWorld } from './support/world.ts';

const costly: Work = ({ input }) => ({ outcome: 'succeeded', output: {}, usage: { tokens_in: Number(input['cost']) } });

test('a task that has spent its tokens ends by that, though its steps may fail, and what runs is told to stop', async () => {
  await using world = await startWorld({ agent: false });
  await world.agent({ work: { ...usualWork, costly } });
  const task_id = newId();
  const steps = [
    { id: 'long', capability: 'hold' },
    { id: 'a', capability: 'costly', input: { cost: 600 } },
    { id: 'after', capability: 'noop', depends_on: ['a'], on_failure: 'skip' as const },
  ];
  await world.submit({ task_id, budget: { tokens: 50 }, replan: { max: 2 }, plan: { steps } });
  const { status, reason, steps: ended } = await world.ended(task_id);
  assert.deepEqual([status, reason], ['failed', 'the budget of 50 tokens is used up: 600 were used']);
  assert.deepEqual(
    [ended['long']?.status, ended['after']?.error?.code, Object.keys(ended)],
    ['cancelled', 'denied_by_budget', ['long', 'a', 'after']],
  );
  await world.quiet();
});

test('tasks below that run together spend no more than their parent has, and leave the rest to the next one', async () => {
  await using world = await startWorld({ agent: false });
  await world.agent({ work: { ...usualWork, costly } });
  const task_id = newId();
  const plan = { steps: [{ id: 'x', capability: 'costly', input: { cost: 10 } }] };
  const child = (id: string, ...depends_on: string[]) => ({
    id,
    capability: 'task',
    depends_on,
    input: { title: 'A part', plan },
  });
  const steps = [child('a'), child('b'), child('c', 'a', 'b')];
  await world.submit({ task_id, budget: { tokens: 100, steps: 9 }, plan: { steps } });
  const ended = await world.ended(task_id);
  assert.deepEqual([ended.status, ended.usage.tokens_in], ['succeeded', 30]);
  const events = await readAll(world.bus, world.names.streams.events);
  const budgets = ['a', 'b', 'c'].map((id) => {
    const event = events.find(({ subject }) => subject.includes(`.${ended.steps[id]?.agent}.submitted`));
    return (decodeTrusted(event?.data ?? new Uint8Array()) as { request?: Submission }).request?.budget;
  });
  assert.deepEqual(budgets, [
    { tokens: 50, steps: 3 },
    { tokens: 50, steps: 3 },
    { tokens: 80, steps: 4 },
  ]);
  await world.quiet();
});
