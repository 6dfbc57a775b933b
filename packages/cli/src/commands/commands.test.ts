// The commands against a stand-in for the coordinator, over a real nats-server.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, prepare } from '@capstan/bus';
import type { TaskRecord } from '@capstan/contracts';
import { exits } from '../exit.ts';
import { refused, someStep, someTask, startStandIn } from '../testing.ts';

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

test('each kind of refusal has its exit code, and says its hint and fields', async () => {
  const codes = {
    invalid: exits.failed,
    not_found: exits.notFound,
    conflict: exits.conflict,
    gone: exits.conflict,
    unavailable: exits.unavailable,
    internal: exits.failed,
    forbidden: exits.failed,
  };
  for (const [code, exit] of Object.entries(codes)) {
    await using api = await startStandIn({
      'task.get': () =>
        refused(code, 'No.', { hint: 'Do this.', fields: [{ path: 'plan.steps[1]', issue: 'is odd' }] }),
    });
    const ran = await api.run('get', 't1');
    assert.equal(ran.exit, exit, code);
    assert.equal(ran.err, 'capstan: No. Do this.\n  plan.steps[1]: is odd');
    const json = await api.run('get', 't1', '--json');
    assert.deepEqual(JSON.parse(json.out), {
      error: { code, message: 'No.', hint: 'Do this.', fields: [{ path: 'plan.steps[1]', issue: 'is odd' }] },
    });
  }
});

test('NATS without a coordinator: 5, and how to start one', async () => {
  await using api = await startStandIn({});
  const { exit, err } = await api.run('get', 't1', '--namespace', 'other');
  assert.equal(exit, exits.unavailable);
  assert.match(err, /no coordinator of "other" answers/);
});

test('an answer of another shape is no stack trace', async () => {
  await using api = await startStandIn({ 'task.get': () => ({ task: 1 }), 'task.list': () => ({}) });
  assert.match((await api.run('get', 't1')).err, /not one that this capstan understands/);
  assert.match((await api.run('list')).err, /not one that this capstan understands/);
});

test('watch ends with the task, prints each change once, and its exit code tells how', async () => {
  const step = { depends_on: [], started_at: '2026-11-20T10:00:00.000Z', attempt: 1 };
  const states: TaskRecord[] = [
    someTask({ steps: { a: someStep({ ...step, status: 'running' }), b: someStep({ depends_on: ['a'] }) } }),
    someTask({
      steps: {
        a: someStep({ ...step, status: 'succeeded', finished_at: '2026-11-20T10:00:01.000Z' }),
        b: someStep({ ...step, depends_on: ['a'], status: 'running' }),
      },
    }),
    someTask({
      status: 'failed',
      reason: 'b failed',
      finished_at: '2026-11-20T10:00:02.000Z',
      steps: {
        a: someStep({ ...step, status: 'succeeded', finished_at: '2026-11-20T10:00:01.000Z' }),
        b: someStep({
          ...step,
          depends_on: ['a'],
          status: 'failed',
          finished_at: '2026-11-20T10:00:02.000Z',
          error: { code: 'broke', message: 'it broke' },
        }),
      },
    }),
  ];
  let asked = 0;
  await using api = await startStandIn({
    'task.get': () => {
      const state = states[Math.min(asked++, states.length - 1)] as TaskRecord;
      setTimeout(() => api.notice('default', 'feature-1087', 'running'), 20);
      return state;
    },
  });
  const { exit, out } = await api.run('watch', 'feature-1087');
  assert.equal(exit, exits.failed);
  const lines = out
    .split('\n')
    .map((line) => line.replace(/^\d\d:\d\d:\d\d {2}/, '').replace(/\d+ (d|h|min|ms)\b.*$/, '…'));
  assert.deepEqual(lines, [
    'Ship the export  feature-1087 · running · 0 of 2 steps · …',
    '└─ ● a     …',
    '   └─ · b',
    'a: succeeded (1 s)',
    'b: running (…',
    'b: failed (2 s · broke: it broke)',
    'feature-1087: failed',
    'Ship the export  feature-1087 · failed · 1 of 2 steps · 2 s',
    '└─ ✓ a     1 s',
    '   └─ ✗ b  2 s · broke: it broke',
    'failed feature-1087: took 2 s; 2 steps: 1 succeeded, 1 failed; 0 attempts',
    '  because: b failed',
  ]);
});

test('watch stops waiting after --timeout, with 6', async () => {
  await using api = await startStandIn({ 'task.get': () => someTask({}) });
  const { exit, err } = await api.run('watch', 'feature-1087', '--timeout', '150ms');
  assert.equal(exit, exits.timedOut);
  assert.match(err, /capstan why feature-1087/);
});

test('watch outlives a restart of nats-server', async () => {
  let ended = false;
  await using api = await startStandIn({
    'task.get': () => someTask(ended ? { status: 'succeeded', finished_at: '2026-11-20T10:00:02.000Z' } : {}),
  });
  const watching = api.run('watch', 'feature-1087');
  while (api.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await api.server.kill();
  ended = true;
  await api.server.start();
  assert.equal((await watching).exit, exits.ok);
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

const asking = (more: object = {}) => ({
  v: 1,
  id: 'i1',
  kind: 'approval',
  status: 'pending',
  task_id: 'feature-1087',
  step_id: 'merge',
  tenant: 'default',
  title: 'Ship: merge',
  text: 'Merge it?',
  requester: null,
  roles: [],
  plan_hash: '',
  input_hash: '',
  created_at: '2026-11-20T10:00:00.000Z',
  expires_at: null,
  decided_at: null,
  by: null,
  role: null,
  reason: null,
  ...more,
});

test('approve takes an id, or a task in which one thing waits', async () => {
  await using api = await startStandIn({
    'inbox.get': ({ id }) => (id === 'i1' ? asking() : refused('not_found', 'No.')),
    'inbox.list': ({ task_id }) => ({
      interventions:
        task_id === 'feature-1087' ? [asking()] : task_id === 'two' ? [asking(), asking({ id: 'i2' })] : [],
    }),
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
  assert.equal((await api.run('reject', 'i1')).exit, exits.conflict);
});

test('answer sends JSON where it is JSON, and text where text is asked for', async () => {
  let schema: object | undefined;
  await using api = await startStandIn({
    'inbox.get': () => asking({ kind: 'question', ...(schema && { schema }) }),
    'inbox.answer': () => ({ ok: true }),
  });
  const given = async (value: string) => {
    assert.equal((await api.run('answer', 'i1', value, '--as', 'ada')).exit, exits.ok);
    return api.asked.at(-1)?.body['value'];
  };
  assert.deepEqual(await given('{"a":1}'), { a: 1 });
  assert.equal(await given('main'), 'main');
  assert.equal(await given('42'), 42);
  schema = { type: 'string' };
  assert.equal(await given('42'), '42');
  assert.equal((await api.run('approve', 'i1')).exit, exits.usage);
});

test('the commands that tell a task something ask the right door', async () => {
  const done = () => ({ task_id: 't1', status: 'running' });
  await using api = await startStandIn({
    'task.cancel': done,
    'task.pause': done,
    'task.resume': done,
    'task.execute': done,
    'task.retry': done,
    'task.skip': done,
  });
  for (const [words, what, body] of [
    [['cancel', 't1', '--reason', 'enough'], 'task.cancel', { task_id: 't1', by: 'ada', reason: 'enough' }],
    [['pause', 't1'], 'task.pause', { task_id: 't1', by: 'ada' }],
    [['resume', 't1'], 'task.resume', { task_id: 't1', by: 'ada' }],
    [['start', 't1', '--step', 'a'], 'task.execute', { task_id: 't1', step_id: 'a', by: 'ada' }],
    [['retry', 't1'], 'task.retry', { task_id: 't1', by: 'ada' }],
    [['skip', 't1', '--step', 'a'], 'task.skip', { task_id: 't1', step_id: 'a', by: 'ada' }],
  ] as const) {
    const { exit, out } = await api.run(...words, '--as', 'ada');
    assert.equal(exit, exits.ok);
    assert.match(out, /\. The task is running\.$/);
    assert.deepEqual(api.asked.at(-1), { what, body });
  }
});

test('lists follow the cursor, up to the limit', async () => {
  const all = Array.from({ length: 5 }, (_, n) => someTask({ task_id: `t${n}` }));
  await using api = await startStandIn({
    'task.list': ({ cursor, limit }) => {
      const from = Number(cursor ?? 0);
      const to = Math.min(from + Math.min(2, Number(limit)), all.length);
      return { tasks: all.slice(from, to), ...(to < all.length && { cursor: String(to) }) };
    },
  });
  const ids = async (...words: string[]) => {
    const { tasks, more } = JSON.parse((await api.run('list', '--json', ...words)).out) as {
      tasks: TaskRecord[];
      more: boolean;
    };
    return [tasks.map(({ task_id }) => task_id).join(' '), more];
  };
  assert.deepEqual(await ids(), ['t0 t1 t2 t3 t4', false]);
  assert.deepEqual(await ids('--limit', '3'), ['t0 t1 t2', true]);
  assert.match((await api.run('list', '--limit', '3')).out, /^TASK +STATUS +CREATED +TITLE\nt0 +running/);
});

test('why says each reason once', async () => {
  await using api = await startStandIn({
    'task.get': () =>
      someTask({
        status: 'awaiting_approval',
        steps: {
          done: someStep({ status: 'succeeded' }),
          a: someStep({ waiting_for: 'merge' }),
          b: someStep({ waiting_for: 'merge' }),
          merge: someStep({ status: 'awaiting_approval', waiting_for: 'approval by lead' }),
        },
      }),
  });
  assert.equal(
    (await api.run('why', 'feature-1087')).out,
    'feature-1087 is awaiting approval.\n  merge  awaiting approval: approval by lead\n  a, b  pending: merge',
  );
});

test('whatever the answers hold, nothing that moves the cursor is printed', async () => {
  const evil = 'x\u001b[2J\u001b]0;t\u0007\u202e\r\u009b1my';
  const task = someTask({
    title: evil,
    reason: evil,
    result: evil,
    steps: {
      a: someStep({ status: 'failed', error: { code: evil, message: evil }, waiting_for: evil }),
      b: someStep({ status: 'blocked', waiting_for: evil }),
    },
    status: 'failed',
    finished_at: '2026-11-20T10:00:02.000Z',
  });
  const letter = {
    id: evil,
    seq: 1,
    reason: 'invalid',
    error: evil,
    source: evil,
    at: '2026-11-20T10:00:00Z',
    attempts: 1,
    subject: evil,
    stream: evil,
    stream_seq: 1,
    task_id: evil,
    step_id: evil,
    sha256: evil,
    hint: evil,
    size: 1,
    state: 'open',
    body: evil,
  };
  await using api = await startStandIn({
    'task.get': () => task,
    'task.list': () => ({ tasks: [task] }),
    'task.cancel': () => ({ status: evil }),
    'task.submit': () => refused('invalid', evil, { hint: evil, fields: [{ path: evil, issue: evil }] }),
    'agent.list': () => ({
      agents: [{ queue: 'q', instance: 'i', capabilities: ['a'], health: 'ok', tags: { [evil]: evil } }],
    }),
    'inbox.list': () => ({ interventions: [asking({ id: evil, text: evil, task_id: evil, step_id: evil })] }),
    'inbox.get': () => asking({ id: evil, title: evil, task_id: evil }),
    'inbox.approve': () => ({}),
    'dlq.list': () => ({ dead_letters: [letter] }),
    'dlq.get': () => letter,
    'dlq.drop': () => ({ dead_letters: [letter] }),
  });
  const lines = [
    ['get', 't'],
    ['list'],
    ['watch', 't'],
    ['why', 't'],
    ['cancel', 't'],
    ['submit', '--title', 'x'],
    ['agents'],
    ['inbox'],
    ['approve', 'i'],
    ['dlq', 'ls'],
    ['dlq', 'show', 'd'],
    ['dlq', 'drop', '--all'],
  ];
  for (const words of lines) {
    for (const json of [[], ['--json']]) {
      const { out, err } = await api.run(...words, ...json);
      for (const line of `${out}\n${err}`.split('\n')) assert.doesNotMatch(line, /[\p{Cc}\u202e]/u, words.join(' '));
      assert.notEqual(out + err, '', words.join(' '));
    }
  }
});

test('dlq acts on one, on what matches, or only tells which', async () => {
  await using api = await startStandIn({
    'dlq.redrive': () => ({ dead_letters: [{ id: 'd1' }, { id: 'd2', again: true }] }),
  });
  assert.equal(
    (await api.run('dlq', 'redrive', '--reason', 'malformed', '--task', 't1', '--dry-run', '--as', 'ada')).out,
    'Would have redriven 2 dead letters.\n  d1\n  d2 (it was before)',
  );
  assert.deepEqual(api.asked.at(-1)?.body, { reason: 'malformed', task_id: 't1', dry_run: true, by: 'ada' });
  await api.run('dlq', 'redrive', 'd1', '--as', 'ada');
  assert.deepEqual(api.asked.at(-1)?.body, { id: 'd1', by: 'ada' });
});
