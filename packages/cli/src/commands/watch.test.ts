// `capstan watch`, against a stand-in for the coordinator over a real nats-server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskRecord } from '@capstan/contracts';
import { exits } from '../exit.ts';
import { someStep, someTask, startStandIn } from '../testing.ts';

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
      // After the last one nothing more happens, and nobody may be there any more to hear of it.
      if (asked < states.length) setTimeout(() => api.notice('default', 'feature-1087', 'running'), 20);
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
  const looked = Promise.withResolvers<void>();
  await using api = await startStandIn({
    'task.get': () => {
      looked.resolve();
      return someTask(ended ? { status: 'succeeded', finished_at: '2026-11-20T10:00:02.000Z' } : {});
    },
  });
  const watching = api.run('watch', 'feature-1087');
  await looked.promise;
  await api.server.kill();
  ended = true;
  await api.server.start();
  assert.equal((await watching).exit, exits.ok);
});

test('many changes at one look are counted', async () => {
  const family = (count: number) =>
    Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [
        `part-${n}`,
        someStep({ status: n < count ? 'succeeded' : 'running', attempt: 1 }),
      ]),
    );
  const states = [
    someTask({ steps: family(10) }),
    someTask({ steps: family(60) }),
    someTask({ status: 'succeeded', steps: family(100) }),
  ];
  let asked = 0;
  await using api = await startStandIn({ 'task.get': () => states[Math.min(asked++, 2)] as TaskRecord });
  const { out } = await api.run('watch', 'feature-1087');
  assert.match(out, /part-\*: 50 succeeded\n.*part-\*: 40 succeeded\n/);
  assert.ok(out.split('\n').length < 12, out);
});

test('what ended before is shown once, and what waits for somebody says what to type', async () => {
  const task = someTask({
    status: 'succeeded',
    finished_at: '2026-11-20T10:00:02.000Z',
    steps: { a: someStep({ status: 'succeeded' }) },
  });
  await using ended = await startStandIn({ 'task.get': () => task });
  assert.equal((await ended.run('watch', 'feature-1087')).out.split('✓ a').length, 2);
  const steps = { merge: someStep({ status: 'awaiting_approval', waiting_for: 'approval' }) };
  await using waiting = await startStandIn({ 'task.get': () => someTask({ status: 'awaiting_approval', steps }) });
  const { err } = await waiting.run('watch', 'feature-1087', '--timeout', '100ms');
  assert.match(err, /^It waits for somebody: `capstan approve feature-1087` or `capstan reject feature-1087`\.\n/);
});
