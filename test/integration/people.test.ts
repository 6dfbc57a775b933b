// People in a task's life: questions and answers, approvals and rejections, and every no with its number.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { textOf } from '@capstan/bus';
import type { Intervention } from '@capstan/contracts';
import { audit } from './support/audit.ts';
import { startWorld } from './support/world.ts';

const status = (of: string) => (task: { status: string }) => task.status === of;

test('a question is answered, and its answer comes back with what the agent left', async () => {
  await using world = await startWorld();
  const { task_id } = await world.submit({
    requester: 'carol',
    plan: { steps: [{ id: 'a', capability: 'ask', retry: { max_attempts: 1 } }] },
  });
  const waiting = await world.until(task_id, 'it waits for an answer', status('awaiting_input'));
  assert.match(waiting.steps['a']?.waiting_for ?? '', /Which branch\?/);
  const [id = ''] = waiting.interventions;
  assert.equal((await world.api<Intervention>('inbox.get', { id })).status, 'pending');
  assert.equal(
    (await world.ask('inbox.approve', { id, by: 'alice' })).error?.code,
    'invalid',
    'a question is not approved',
  );
  const answered = await world.api('inbox.answer', { id, by: 'alice', value: { branch: 'main' } });
  assert.deepEqual([answered['status'], answered['task_status']], ['answered', 'running']);
  const ended = await world.ended(task_id);
  assert.deepEqual([ended.status, ended.result], ['succeeded', { answer: { branch: 'main' }, state: { asked: 1 } }]);
  assert.equal(ended.steps['a']?.attempt, 2, 'a new order, which used up none of the attempts');
  assert.equal(
    (await world.ask('inbox.answer', { id, by: 'alice', value: { branch: 'main' } })).error,
    null,
    'saying the same again does no harm',
  );
  assert.equal(
    (await world.ask('inbox.answer', { id, by: 'bob', value: 'dev' })).error?.code,
    'conflict',
    'and nobody is led to believe that another answer counted',
  );
  assert.deepEqual((await world.api<Intervention>('inbox.get', { id })).value, { branch: 'main' });
});

test('an approval is given once, by whoever may, and each no has its number', async () => {
  await using world = await startWorld();
  const asking = async (approval: { roles?: string[]; expires_ms?: number } = {}) => {
    const { task_id } = await world.submit({
      plan: { steps: [{ id: 'a', capability: 'noop', risk: 'high', approval }] },
    });
    const task = await world.until(task_id, 'it waits for approval', status('awaiting_approval'));
    return { task_id, id: task.interventions[0] ?? '' };
  };
  const code = async (door: string, body: object) => (await world.ask(door, body)).status ?? 200;

  const first = await asking({ roles: ['tech_lead'] });
  assert.equal(await code('inbox.approve', { id: 'nothing', by: 'alice' }), '404');
  assert.equal(await code('inbox.approve', { id: first.id, by: 'alice' }), '403', 'without the role');
  assert.equal(await code('inbox.approve', { id: first.id, by: 'alice', role: 'intern' }), '403', 'with another');
  assert.equal((await world.bus.log(world.names.streams.orders).info()).last, 0, 'nothing began');
  assert.equal(await code('inbox.approve', { id: first.id, by: 'alice', role: 'tech_lead' }), 200);
  assert.equal((await world.ended(first.task_id)).status, 'succeeded');
  assert.equal(await code('inbox.approve', { id: first.id, by: 'alice', role: 'tech_lead' }), 200, 'twice is once');
  assert.equal(
    await code('inbox.reject', { id: first.id, by: 'bob', role: 'tech_lead' }),
    '409',
    'decided the other way',
  );

  const second = await asking();
  assert.equal(await code('inbox.reject', { id: second.id, by: 'bob', reason: 'not today' }), 200);
  const rejected = await world.ended(second.task_id);
  assert.deepEqual([rejected.status, rejected.steps['a']?.error?.code], ['failed', 'rejected']);
  assert.match(rejected.steps['a']?.error?.message ?? '', /bob said no: not today/);
  assert.equal(await code('inbox.approve', { id: second.id, by: 'alice' }), '409');

  const third = await asking({ expires_ms: 50 });
  const expired = await world.ended(third.task_id);
  assert.deepEqual([expired.status, expired.steps['a']?.error?.code], ['failed', 'expired']);
  assert.equal(await code('inbox.approve', { id: third.id, by: 'alice' }), '410');
  assert.equal(
    (await world.api<Intervention>('inbox.get', { id: third.id })).status,
    'expired',
    'reading it is no mistake',
  );

  const fourth = await asking();
  await world.api('task.cancel', { task_id: fourth.task_id, by: 'alice' });
  assert.equal((await world.ended(fourth.task_id)).status, 'cancelled');
  assert.equal(await code('inbox.approve', { id: fourth.id, by: 'alice' }), '410', 'nobody asks any more');
  await world.quiet();
  assert.deepEqual(
    (await audit(world.bus, [first.task_id, second.task_id, third.task_id, fourth.task_id])).violations,
    [],
  );
});

test('who may approve is as it was when the task began, whatever is configured since: nobody stores a word that counts for nothing', async () => {
  const config = (fourEyes: boolean) => `settings:\n  approval: { four_eyes: ${fourEyes} }\n`;
  await using world = await startWorld({ config: config(true) });
  const file = join(world.server.dir, 'capstan.yaml');
  const asking = async (capability = 'noop') => {
    const { task_id } = await world.submit({
      requester: 'alice',
      plan: { steps: [{ id: 'a', capability, risk: 'high' }] },
    });
    const { interventions } = await world.until(task_id, 'it asks', status('awaiting_approval'));
    return { task_id, id: interventions[0] ?? '' };
  };
  const [strict, older, risky] = [await asking(), await asking(), await asking('ask')];
  await world.api('inbox.approve', { id: risky.id, by: 'bob' });
  const { interventions } = await world.until(risky.task_id, 'its agent asks', status('awaiting_input'));
  const asks = interventions[1] ?? '';
  await world.checkpointed([strict.task_id, older.task_id, risky.task_id]);
  await world.quiet();
  // As a coordinator stored it that said nothing of it.
  const inbox = world.bus.store(world.names.buckets.inbox);
  const entry = await inbox.get(older.id);
  const { four_eyes: said, ...rest } = JSON.parse(textOf(entry?.data ?? new Uint8Array()));
  assert.equal(said, true);
  await inbox.set({ key: older.id, data: JSON.stringify(rest), expect: entry?.revision ?? 0 });

  await writeFile(file, config(false));
  const second = await world.coordinator();
  for (const { task_id, id } of [strict, older]) {
    assert.equal((await world.ask('inbox.approve', { id, by: 'alice' })).status, '403');
    await world.api('inbox.approve', { id, by: 'bob' });
    assert.equal((await world.ended(task_id)).status, 'succeeded');
  }
  assert.equal((await world.ask('inbox.answer', { id: asks, by: 'alice', value: 1 })).status, '403');
  await world.api('inbox.answer', { id: asks, by: 'bob', value: 1 });
  assert.equal((await world.ended(risky.task_id)).status, 'succeeded');
  const free = await asking();
  await world.checkpointed([free.task_id]);
  await second.stop();
  await writeFile(file, config(true));
  await world.coordinator();
  await world.api('inbox.approve', { id: free.id, by: 'alice' });
  assert.equal((await world.ended(free.task_id)).status, 'succeeded');
  await world.quiet();
  const ids = [strict.task_id, older.task_id, risky.task_id, free.task_id];
  assert.deepEqual((await audit(world.bus, ids)).violations, []);
});

test('of an approval and a rejection at the same moment one wins, and both hear which', async () => {
  await using world = await startWorld({ coordinators: 2 });
  const tasks = await Promise.all(
    Array.from(
      { length: 25 },
      async () => (await world.submit({ plan: { steps: [{ id: 'a', capability: 'noop', risk: 'high' }] } })).task_id,
    ),
  );
  await Promise.all(
    tasks.map(async (task_id) => {
      const { interventions } = await world.until(task_id, 'it waits for approval', status('awaiting_approval'));
      const id = interventions[0] ?? '';
      const [yes, no] = await Promise.all([
        world.ask('inbox.approve', { id, by: 'alice' }),
        world.ask('inbox.reject', { id, by: 'bob' }),
      ]);
      assert.deepEqual(
        new Set([yes.status, no.status]),
        new Set(['409', undefined]),
        JSON.stringify([yes.text, no.text]),
      );
      assert.equal((await world.ended(task_id)).status, yes.error === null ? 'succeeded' : 'failed');
    }),
  );
  await world.quiet();
  assert.deepEqual((await audit(world.bus, tasks)).violations, []);
});

test('an answer must be what the question asks for; one that is not is refused, and nothing is decided', async () => {
  await using world = await startWorld();
  const schema = { type: 'object', required: ['branch'], properties: { branch: { enum: ['main', 'next'] } } };
  const { task_id } = await world.submit({
    plan: { steps: [{ id: 'a', capability: 'input', input: { text: 'Which branch?', schema } }] },
  });
  const [id = ''] = (await world.until(task_id, 'it asks', status('awaiting_input'))).interventions;
  const refused = await world.ask('inbox.answer', { id, by: 'alice', value: { branch: 'dev' } });
  assert.deepEqual([refused.error?.code, refused.error?.fields?.[0]?.path], ['invalid', 'value.branch']);
  await world.api('inbox.answer', { id, by: 'alice', value: { branch: 'next' } });
  assert.deepEqual((await world.ended(task_id)).result, { branch: 'next' });
});
