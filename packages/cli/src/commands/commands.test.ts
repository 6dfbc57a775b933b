// The commands that ask once, against a stand-in for the coordinator over a real nats-server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskRecord } from '@capstan/contracts';
import { exits } from '../exit.ts';
import { refused, someIntervention, someStep, someTask, startStandIn } from '../testing.ts';

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
    assert.match(out, /\. Status of the task: running\.$/);
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
    'inbox.list': () => ({ interventions: [someIntervention({ id: evil, text: evil, task_id: evil, step_id: evil })] }),
    'inbox.get': () => someIntervention({ id: evil, title: evil, task_id: evil }),
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
  assert.deepEqual(api.asked.at(-1)?.body, {
    limit: 200,
    reason: 'malformed',
    task_id: 't1',
    dry_run: true,
    by: 'ada',
  });
  await api.run('dlq', 'redrive', 'd1', '--as', 'ada');
  assert.deepEqual(api.asked.at(-1)?.body, { id: 'd1', by: 'ada' });
});

test('recover lists what does not go on by itself, and lets one go on', async () => {
  await using api = await startStandIn({
    'task.recoverable': () => ({
      tasks: [
        { task_id: 't1', status: 'failed', how: 'retry', needs: 'what failed is tried again', succeeded: 3, steps: 5 },
        { task_id: 't2', status: 'blocked', how: null, needs: 'an agent', succeeded: 0, steps: 1 },
      ],
      total: 2,
    }),
    'task.recover': () => ({ task_id: 't1', status: 'running', how: 'retry', kept: 3 }),
  });
  const listed = await api.run('recover');
  assert.match(listed.out, /t1 +failed +3\/5 +capstan recover t1: what failed is tried again/);
  assert.match(listed.out, /t2 +blocked +0\/1 +an agent/);
  const one = await api.run('recover', 't1', '--as', 'alice');
  assert.equal(one.out, 't1 goes on (retry): running. 3 steps that succeeded stay as they are.');
  assert.deepEqual(api.asked.at(-1), { what: 'task.recover', body: { task_id: 't1', by: 'alice' } });
});

test('why shows what policies said', async () => {
  const denial = {
    policy: 'no-bots',
    step: 'deploy',
    phase: null,
    reason: 'No bots.',
    metadata: {},
    at: '2026-11-20T10:00:00Z',
  };
  const denials = [
    { ...denial, mode: 'enforce' as const, metadata: { ticket: 'SEC-7', most: 2 } },
    { ...denial, mode: 'check' as const, step: null, phase: 'make' },
  ];
  await using api = await startStandIn({ 'task.get': () => someTask({ status: 'failed', denials }) });
  const { out } = await api.run('why', 'feature-1087');
  assert.match(out, /policy no-bots denied deploy: No bots\. \(ticket: SEC-7, most: 2\)/);
  assert.match(out, /policy no-bots would deny phase make: No bots\.$/m);
});
