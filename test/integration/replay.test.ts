// `capstan replay`: a task decided anew from its log, beside the snapshot that a coordinator made of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf, textOf } from '@capstan/bus';
import type { TaskRecord } from '@capstan/contracts';
import { capstan } from './support/cli.ts';
import { newId, startWorld } from './support/world.ts';

interface Document {
  readonly events: { seq: number; kind: string; verdict: string; status: string; effects: { kind: string }[] }[];
  readonly task: TaskRecord;
  readonly tokens_checked: boolean;
  readonly snapshot: { seq: number; differences: string[]; skipped: string | null };
}

const plan = {
  steps: [
    { id: 'build', capability: 'echo', input: { made: 'a.tgz' } },
    { id: 'flaky', capability: 'fail', input: { times: 1 }, depends_on: ['build'], retry: { initial_delay_ms: 1 } },
    { id: 'ship', capability: 'echo', input: { what: '${{ steps.build.output.made }}' }, depends_on: ['flaky'] },
  ],
};

test('a task is rebuilt from its log: each event, decision and order, and the snapshot says the same', async () => {
  await using world = await startWorld();
  const id = newId('replayed');
  await world.submit({ task_id: id, title: 'Ship it', requester: 'ada', plan });
  await world.ended(id);
  await world.quiet();

  const told = await capstan(world.server.url, 'replay', id);
  assert.equal(told.exit, 0, told.err);
  assert.match(told.out, /submitted by ada: "Ship it", 3 steps in its plan/);
  assert.match(told.out, /→ order build\.1 to worker: echo \{"made":"a\.tgz"\}/);
  assert.match(told.out, /report of flaky\.1 by worker\.w1: failed: flaky/);
  assert.match(told.out, /→ order flaky\.2 to worker/);
  assert.match(told.out, /→ order ship\.1 to worker: echo \{"what":"a\.tgz"\}/);
  assert.match(told.err, /The snapshot of event \d+ says the same\./);

  const document = JSON.parse((await capstan(world.server.url, 'replay', id, '--json')).out) as Document;
  assert.equal(document.task.status, 'succeeded');
  assert.equal(document.tokens_checked, true);
  assert.deepEqual(document.snapshot.differences, []);
  assert.equal(document.snapshot.seq, document.task.seq);

  const first = document.events[0]?.seq ?? 0;
  const then = await capstan(world.server.url, 'replay', id, '--json', '--until', String(first));
  const early = JSON.parse(then.out) as Document;
  assert.equal(then.exit, 0);
  assert.equal(early.task.status, 'running', 'the task as it was then');
  assert.deepEqual([early.task.steps['build']?.status, early.task.steps['ship']?.status], ['running', 'pending']);
  assert.match(early.snapshot.skipped ?? '', /later than asked for/);
});

test('a snapshot that says something else than the log is an error that says what', async () => {
  await using world = await startWorld();
  const id = newId('differs');
  await world.submit({ task_id: id, plan });
  await world.ended(id);
  await world.quiet();
  const tasks = world.bus.store(world.names.buckets.tasks);
  const stored = await tasks.get(id);
  const record = JSON.parse(textOf(stored?.data ?? new Uint8Array())) as TaskRecord;
  const step = record.steps['ship'] as { status: string; output: unknown };
  step.status = 'failed';
  await tasks.set({ key: id, data: JSON.stringify(record), expect: stored?.revision ?? 0 });

  const { exit, err } = await capstan(world.server.url, 'replay', id);
  assert.equal(exit, 1);
  assert.match(err, /1 difference/);
  assert.match(err, /steps\.ship\.status: the snapshot says "failed", the log says "succeeded"/);

  await tasks.set({ key: id, data: '{"half', expect: null });
  const torn = await capstan(world.server.url, 'replay', id);
  assert.equal(torn.exit, 1);
  assert.match(torn.err, /The snapshot can't be read/);
});

test('what a stranger planted is shown as that, and changes nothing', async () => {
  await using world = await startWorld();
  const id = newId('planted');
  await world.submit({ task_id: id, plan });
  await world.ended(id);
  const { names } = world;
  const subject = names.event(partitionOf(id), id, 'commanded', 'x', 'A'.repeat(22));
  await world.bus.once({ subject, data: '{"v":1,"command":"retry","by":"mallory"}' });
  await world.quiet();
  const { exit, out } = await capstan(world.server.url, 'replay', id);
  assert.equal(exit, 0);
  assert.match(out, /commanded x \(forged: its token is wrong/);
});

test('a task that the log does not know is not found', async () => {
  await using world = await startWorld({ coordinators: 0, agent: false });
  const { exit, err } = await capstan(world.server.url, 'replay', 'nobody');
  assert.equal(exit, 3);
  assert.match(err, /no event of a task "nobody"/);
});
