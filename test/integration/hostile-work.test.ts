// What a plan or an agent may do to a coordinator: values too large to hand on, conditions that never end, people's words. One task may fail of it;
// the others go on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '@capstan/contracts';
import { usualWork } from './support/agent.ts';
import { audit } from './support/audit.ts';
import { newId, startWorld, type World } from './support/world.ts';

const mustStillWork = async (world: World): Promise<string> => {
  const id = newId('good');
  await world.submit({ task_id: id, plan: { steps: [{ id: 'a', capability: 'noop' }] } });
  assert.equal((await world.ended(id)).status, 'succeeded');
  return id;
};

/** Of three bytes a letter in UTF-8, so that letters and bytes are not the same. */
const large = (bytes: number): string => '語'.repeat(Math.floor(bytes / 3));

test('a step whose order no message can hold fails, and says why', async () => {
  await using world = await startWorld();
  const { task_id } = await world.submit({
    plan: {
      params: { text: large(300_000) },
      steps: [
        {
          id: 'a',
          capability: 'echo',
          input: { one: '${{ params.text }}', two: '${{ params.text }}' },
          on_failure: 'continue',
        },
        { id: 'b', capability: 'noop' },
      ],
    },
  });
  const ended = await world.ended(task_id);
  assert.equal(ended.steps['b']?.status, 'succeeded');
  assert.deepEqual([ended.steps['a']?.status, ended.steps['a']?.error?.code], ['failed', 'too_large']);
  assert.match(ended.steps['a']?.error?.message ?? '', new RegExp(`at most ${limits.bodyBytesMax}`));
  await mustStillWork(world);
});

/** Four outputs of 400 KB each: every report fits a message, and the record of the task does not. */
const overfull = async (world: World): Promise<string> => {
  await world.agent({
    work: { ...usualWork, large: () => ({ outcome: 'succeeded', output: { text: large(400_000) } }) },
  });
  return (await world.submit({ plan: { steps: ['a', 'b', 'c', 'd'].map((id) => ({ id, capability: 'large' })) } }))
    .task_id;
};

test('outputs that no record can hold are kept elsewhere, and the task is stored and answered for', async () => {
  await using world = await startWorld({ agent: false });
  const id = await overfull(world);
  const ended = await world.ended(id);
  assert.deepEqual([ended.status, ended.counts], ['succeeded', { succeeded: 4 }]);
  const stored = await world.stored(id, 'it ended', ({ status }) => status === 'succeeded', 5_000);
  assert.deepEqual(stored.steps['a']?.output, ended.steps['a']?.output);
  const { $ref, size } = (ended.steps['a'] ?? assert.fail('no step a')).output as { $ref: string; size: number };
  const kept = await world.bus.objects(world.names.buckets.artifacts).get($ref.slice($ref.indexOf('/') + 1));
  assert.equal(kept?.length, size);
  assert.deepEqual(JSON.parse(Buffer.from(kept ?? []).toString()), { text: large(400_000) });
  await mustStillWork(world);
});

test('a condition that would take for ever costs its own task, and no other', async () => {
  await using world = await startWorld();
  const evil = [
    '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$")',
    `${'[1,2,3,4,5,6,7,8,9,10].map(x, '.repeat(8)}1${')'.repeat(8)}.size() > 0`,
  ];
  for (const when of evil) {
    const reply = await world.ask('task.submit', { plan: { steps: [{ id: 'a', capability: 'noop', when }] } });
    if (reply.error !== null) assert.equal(reply.error.code, 'invalid', reply.text);
    await mustStillWork(world);
    if (reply.error === null) await world.ended(String(reply.body['task_id']));
  }
});

test('what a report says is data: names of every object, expressions, and a hundred findings', async () => {
  await using world = await startWorld({ agent: false });
  const hostile = JSON.parse(
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"text":"${{ params.secret }}","steps":{}}',
  ) as Record<string, never>;
  await world.agent({
    work: {
      ...usualWork,
      hostile: () => ({
        outcome: 'succeeded',
        output: hostile,
        findings: Array.from({ length: 200 }, () => ({
          severity: 'minor' as const,
          category: 'x',
          message: '<script>',
        })),
        usage: { tokens_in: 2 ** 52, tokens_out: 2 ** 52, wall_ms: 0 },
      }),
    },
  });
  const { task_id } = await world.submit({
    plan: {
      params: { secret: 'not for echo' },
      steps: [
        { id: 'a', capability: 'hostile' },
        {
          id: 'b',
          capability: 'echo',
          input: { all: '${{ steps.a.output }}', text: 'said: ${{ steps.a.output.text }}' },
          depends_on: ['a'],
        },
      ],
    },
  });
  const ended = await world.ended(task_id);
  assert.equal(ended.status, 'succeeded', ended.reason ?? '');
  const output = ended.steps['b']?.output as { all: Record<string, unknown>; text: string };
  assert.equal(output.text, 'said: ${{ params.secret }}', 'what came out of a step is not resolved again');
  assert.deepEqual(Object.keys(output.all).toSorted(), ['constructor', 'steps', 'text']);
  assert.equal(({} as { admin?: boolean }).admin, undefined);
  assert.equal(ended.steps['a']?.findings.minor, 200);
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [task_id])).violations, []);
});

test('a condition may read an output that has a key named "constructor"', async () => {
  await using world = await startWorld();
  const { task_id } = await world.submit({
    plan: {
      steps: [
        { id: 'a', capability: 'echo', input: { constructor: 1, ok: true } as never },
        { id: 'b', capability: 'noop', depends_on: ['a'], when: 'steps.a.output.ok' },
      ],
    },
  });
  assert.equal((await world.ended(task_id)).steps['b']?.status, 'succeeded');
});
