// `capstan submit`, against a stand-in for the coordinator over a real nats-server.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, prepare } from '@capstan/bus';
import type { TaskRecord } from '@capstan/contracts';
import { exits } from '../exit.ts';
import { refused, runCommand, someStep, someTask, startStandIn } from '../testing.ts';

const file = (t: TestContext, value: unknown): string => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'plan.json');
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};

const accepted = (body: Record<string, unknown>) => ({
  task_id: body['task_id'],
  status: 'queued',
  created: true,
  warnings: [],
});

test('submit puts a plan and options together, and says the id', async (t) => {
  await using api = await startStandIn({ 'task.submit': accepted });
  const plan = { steps: [{ id: 'a', capability: 'noop' }] };
  const { exit, out } = await api.run(
    'submit',
    file(t, plan),
    '--title',
    'Nightly checks!',
    '--priority',
    'high',
    '--no-start',
    '--criterion',
    'done',
  );
  assert.equal(exit, exits.ok);
  const { task_id, ...rest } = api.asked[0]?.body ?? {};
  assert.deepEqual(rest, {
    plan,
    title: 'Nightly checks!',
    priority: 'high',
    start: false,
    acceptance_criteria: ['done'],
  });
  assert.match(String(task_id), /^nightly-checks-[0-9a-f]{10}$/);
  assert.equal(out, `Submitted ${task_id}.`);
});

test('submit with a template reads parameters as JSON where they are', async () => {
  await using api = await startStandIn({ 'task.submit': accepted });
  await api.run(
    'submit',
    '--template',
    'deploy',
    '--param',
    'pr=123',
    '--param',
    'branch=main',
    '--param',
    'x={"a":[1]}',
    '--task-id',
    't1',
  );
  assert.deepEqual(api.asked[0]?.body, {
    task_id: 't1',
    template: { name: 'deploy', params: { pr: 123, branch: 'main', x: { a: [1] } } },
  });
});

test('a plan too large for a message travels by reference', async (t) => {
  await using api = await startStandIn({ 'task.submit': accepted });
  const bus = await connect({ url: api.server.url, warn: () => {} });
  await prepare(bus);
  const plan = {
    steps: Array.from({ length: 10_000 }, (_, n) => ({ id: `step-number-${n}`, capability: 'noop', depends_on: [] })),
  };
  assert.equal((await api.run('submit', file(t, { title: 'Large', plan }))).exit, exits.ok);
  const bytes = Buffer.from(JSON.stringify(plan));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  assert.deepEqual(api.asked[0]?.body['plan_ref'], { ref: `capstan_artifacts/uploads/${sha256}.json`, sha256 });
  assert.equal('plan' in (api.asked[0]?.body ?? {}), false);
  assert.deepEqual(Buffer.from((await bus.objects('capstan_artifacts').get(`uploads/${sha256}.json`)) ?? []), bytes);
  await bus.close();
});

test('what can be seen to be wrong here is refused here', async (t) => {
  await using api = await startStandIn({});
  for (const [words, said] of [
    [['submit'], /There is nothing to submit\. Give a FILE/],
    [['submit', file(t, '{"a":\n  1,}')], /is not JSON: .* at line 2, column 5/],
    [['submit', file(t, '[1]')], /not a JSON object/],
    [['submit', '/nowhere/plan.json'], /there is no such file/],
    [['submit', '--param', 'a=1', '--title', 'x'], /--param needs --template/],
    [['dlq', 'drop'], /Give an id, a filter, or --all/],
    [['dlq', 'drop', 'x', '--all'], /say different things/],
    [['skip', 't1'], /--step STEP is missing/],
  ] as const) {
    const { exit, err } = await api.run(...words);
    assert.equal(exit, exits.usage, err);
    assert.match(err, said);
  }
  assert.equal(api.asked.length, 0);
});

test('submit --wait gives the whole task as JSON, and survives not being known yet', async () => {
  let asked = 0;
  await using api = await startStandIn({
    'task.submit': accepted,
    'task.get': () =>
      asked++ === 0
        ? refused('not_found', 'No such task.')
        : someTask({ status: 'succeeded', finished_at: '2026-11-20T10:00:02.000Z' }),
  });
  const { exit, out } = await api.run('submit', '--title', 'x', '--wait', '--json');
  assert.equal(exit, exits.ok);
  assert.equal((JSON.parse(out) as TaskRecord).status, 'succeeded');
});

test('what the server refuses is said without a stack', async (t) => {
  await using api = await startStandIn(
    {},
    {
      config:
        'authorization { users: [{ user: a, password: a }, { user: b, password: b, permissions: { publish: "_INBOX.>" } }] }',
    },
  );
  const { exit, err } = await runCommand(['submit', file(t, { title: 'x' }), '--nats-url', api.server.url], {
    CAPSTAN_NATS_USER: 'b',
    CAPSTAN_NATS_PASSWORD: 'b',
  });
  assert.equal(exit, exits.failed);
  assert.match(err, /^capstan: This user may not ask capstan\.api\.task\.submit\.$/);
});

test('submit --wait says on stderr that a person is needed, once, and keeps stdout for the end', async () => {
  let looks = 0;
  const merge = someStep({
    status: 'awaiting_approval',
    intervention: 'i1',
    waiting_for: 'approval by lead: Merge it?',
  });
  await using api = await startStandIn({
    'task.submit': accepted,
    'task.get': () => {
      looks += 1;
      return looks < 3
        ? someTask({ status: 'awaiting_approval', steps: { merge } })
        : someTask({ status: 'succeeded', steps: { merge: someStep({ status: 'succeeded' }) } });
    },
  });
  const { exit, out, err } = await api.run('submit', '--title', 'x', '--task-id', 'feature-1087', '--wait');
  assert.equal(exit, exits.ok);
  assert.deepEqual(err.match(/merge waits for a person: approval by lead: Merge it\?/g)?.length, 1);
  assert.doesNotMatch(out, /waits for a person/);
});
