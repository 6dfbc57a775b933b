// What leaves an agent besides its report: large outputs, artifacts, and never a secret.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeTrusted } from '@capstan/bus';
import { defineAgent } from '../define-agent.ts';
import { done, park } from '../outcome.ts';
import { newAgentWorld } from '../testing.ts';

test('output over the limit goes to the object store, and comes back as an input of the next step', async () => {
  await using world = await newAgentWorld();
  const agent = defineAgent({
    queue: 'q',
    capabilities: ['make', 'use'],
    run: async (order, context) =>
      order.capability === 'make'
        ? done({ text: 'x'.repeat(20_000) })
        : done({ got: String((await context.input())['from']).length, ...(await context.input()) }),
  });
  await world.start(agent);
  const made = await world.report(await world.order({ queue: 'q', capability: 'make', task_id: 'a' }));
  const reference = made.output as { $ref: string; size: number; sha256: string };
  assert.deepEqual(Object.keys(reference).sort(), ['$ref', 'sha256', 'size']);
  assert.equal(reference.$ref, 'capstan_artifacts/a/s/1/output.json');
  const stored = await world.bus.objects('capstan_artifacts').get('a/s/1/output.json');
  assert.equal(stored?.length, reference.size);
  const use = (task: string) =>
    world.order({ queue: 'q', capability: 'use', task_id: task, step_id: 'next', input: { from: reference } });
  const used = await world.report(await use('a'));
  const reference2 = used.output as { $ref: string };
  const data = await world.bus.objects('capstan_artifacts').get(reference2.$ref.slice('capstan_artifacts/'.length));
  assert.equal((decodeTrusted(data as Uint8Array) as { from: { text: string } }).from.text.length, 20_000);
  const foreign = await world.report(await use('b'));
  assert.deepEqual([foreign.error?.code, foreign.error?.retryable], ['reference_forbidden', false]);
});

test('artifacts are listed with size and hash, and a second run does not overwrite the first', async () => {
  await using world = await newAgentWorld();
  const agent = defineAgent({
    queue: 'q',
    capabilities: ['x'],
    run: async (_, context) => {
      await context.artifact('report.xml', '<one/>');
      const second = await context.artifact('report.xml', '<two/>');
      return done({ second: second.ref });
    },
  });
  await world.start(agent);
  const report = await world.report(await world.order({ queue: 'q', capability: 'x', task_id: 'a' }));
  assert.deepEqual(
    report.artifacts?.map(({ name, size, ref }) => [name, size, ref.replace(/\.[0-9a-f]{12}$/, '.HASH')]),
    [
      ['report.xml', 6, 'capstan_artifacts/a/s/1/report.xml'],
      ['report.xml', 6, 'capstan_artifacts/a/s/1/report.xml.HASH'],
    ],
  );
});

test('a planted secret leaves in nothing that leaves the process', async () => {
  await using world = await newAgentWorld();
  const canary = 'canary-7f3a"9c/secret+value';
  process.env['CANARY_FOR_TEST'] = canary;
  const everything: string[] = [];
  world.bus.listen('>', (wire) => void everything.push(Buffer.from(wire.data).toString()));
  const agent = defineAgent({
    queue: 'q',
    capabilities: ['x'],
    run: async (order, context) => {
      const { token } = (await context.input()) as { token: string };
      assert.equal(token, canary);
      context.log.warn({ token }, `with ${token}`);
      context.progress(10, `at ${token}`);
      context.output('stdout', `out ${token.slice(0, 5)}`);
      context.output('stdout', `${token.slice(5)}\n${Buffer.from(token).toString('base64')}\n`);
      await context.artifact('file.bin', Buffer.from([0xff, ...Buffer.from(token)]));
      const findings = [{ severity: 'minor' as const, category: 'x', message: token }];
      if (order.step_id === 'crash') throw new Error(`no ${encodeURIComponent(token)}`);
      if (order.step_id === 'park') return park({ text: token, state: { token } });
      return done({ deep: [{ token, [token]: 1, url: `https://x/?t=${encodeURIComponent(token)}` }] }, { findings });
    },
  });
  await world.start(agent);
  const input = { token: { $secret: 'env:CANARY_FOR_TEST' } };
  for (const step of ['done', 'crash', 'park']) {
    const report = await world.report(await world.order({ queue: 'q', capability: 'x', step_id: step, input }));
    assert.match(JSON.stringify(report), /\[masked\]/);
  }
  const all = [...everything, ...world.logged].join('\n');
  assert.ok(all.includes('[masked]'));
  for (const form of [
    canary,
    'canary-7f3a',
    Buffer.from(canary).toString('base64'),
    encodeURIComponent(canary),
    Buffer.from(canary).toString('hex'),
  ]) {
    assert.equal(all.includes(form), false, form);
  }
  assert.equal(all.includes('CANARY_FOR_TEST'), true);
});
