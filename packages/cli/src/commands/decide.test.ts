// What people decide, against a stand-in for the coordinator over a real nats-server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exits } from '../exit.ts';
import { refused, someIntervention, startStandIn } from '../testing.ts';

const lists: Readonly<Record<string, object[]>> = {
  'feature-1087 pending': [someIntervention()],
  'two pending': [someIntervention(), someIntervention({ id: 'i2' })],
  'decided all': [someIntervention({ id: 'i9', status: 'rejected', by: 'bob' })],
};

test('approve takes an id, or a task in which one thing waits', async () => {
  await using api = await startStandIn({
    'inbox.get': ({ id }) => (id === 'i1' ? someIntervention() : refused('not_found', 'No.')),
    'inbox.list': ({ task_id, status }) => ({ interventions: lists[`${task_id} ${status}`] ?? [] }),
    'inbox.approve': () => ({ ok: true }),
    'inbox.reject': () => refused('conflict', 'It was approved before.'),
  });
  assert.equal((await api.run('approve', 'i1', '--as', 'ada', '--role', 'lead', '--reason', 'fine')).exit, exits.ok);
  assert.deepEqual(api.asked.at(-1), {
    what: 'inbox.approve',
    body: { id: 'i1', by: 'ada', role: 'lead', reason: 'fine' },
  });
  assert.equal((await api.run('approve', 'feature-1087', '--as', 'ada')).exit, exits.ok);
  assert.equal(api.asked.at(-1)?.body['id'], 'i1');
  const two = await api.run('approve', 'two');
  assert.equal(two.exit, exits.usage);
  assert.match(two.err, /i1 \(merge\), i2 \(merge\)/);
  assert.equal((await api.run('approve', 'nothing')).exit, exits.notFound);
  const decided = await api.run('approve', 'decided');
  assert.equal(decided.exit, exits.conflict);
  assert.match(decided.err, /i9 was rejected by bob/);
  assert.equal((await api.run('reject', 'i1')).exit, exits.conflict);
});

test('answer sends JSON where it is JSON, and text where text is asked for', async () => {
  const question: { schema?: object } = {};
  await using api = await startStandIn({
    'inbox.get': () => someIntervention({ kind: 'question', ...question }),
    'inbox.answer': () => ({ ok: true }),
  });
  const given = async (value: string) => {
    assert.equal((await api.run('answer', 'i1', value, '--as', 'ada')).exit, exits.ok);
    return api.asked.at(-1)?.body['value'];
  };
  assert.deepEqual(await given('{"a":1}'), { a: 1 });
  assert.equal(await given('main'), 'main');
  assert.equal(await given('42'), 42);
  question.schema = { type: 'string' };
  assert.equal(await given('42'), '42');
  assert.equal((await api.run('approve', 'i1')).exit, exits.usage);
});
