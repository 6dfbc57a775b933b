// Planning anew over a real server: the planner is an agent like any other, and what succeeded is not done again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '@capstan/contracts';
import { usualWork, type Work } from './support/agent.ts';
import { audit } from './support/audit.ts';
import { newId, startWorld } from './support/world.ts';

test('a failed step is replaced by what the planner says, and the rest stays', async () => {
  await using world = await startWorld({ agent: false });
  const asked: Json[] = [];
  const plan: Work = ({ input }) => {
    asked.push(input['feedback'] ?? null);
    return {
      outcome: 'succeeded',
      output: {
        plan: {
          steps: [
            { id: 'first', capability: 'echo' },
            { id: 'other', capability: 'echo', depends_on: ['first'], input: { n: '${{ steps.first.output.n }}' } },
          ],
        },
      },
    };
  };
  await world.agent({ work: { ...usualWork, plan } });
  const task_id = newId();
  await world.submit({
    task_id,
    replan: { max: 1 },
    plan: {
      steps: [
        { id: 'first', capability: 'echo', input: { n: 7 } },
        { id: 'bad', capability: 'fail', depends_on: ['first'], input: { retryable: false } },
        { id: 'after', capability: 'noop', depends_on: ['bad'] },
      ],
    },
  });
  const ended = await world.ended(task_id);
  assert.deepEqual([ended.status, ended.result], ['succeeded', { n: 7 }]);
  assert.deepEqual([ended.steps['first']?.attempt, ended.steps['after']?.status], [1, 'skipped']);
  assert.ok(ended.status_history.some(({ status }) => status === 'planning'));
  assert.deepEqual((asked[0] as { taken: Json }).taken, ['bad', 'after']);
  await world.checkpointed([task_id]);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [task_id])).violations, []);
});
