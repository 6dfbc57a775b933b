// Rules: the first report of the attempt that runs counts. A late, stale or foreign one changes nothing and is recorded as ignored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '@capstan/contracts';
import { given, step } from '../testing.ts';

test('a second report of the same attempt changes nothing', () => {
  const world = given({ steps: [step('a'), step('b', 'a')] }).report('a', { output: { n: 1 } });
  const again = world.events.at(-1);
  assert.ok(again?.kind === 'report');
  world.tell({ ...again, report: { ...again.report, output: { n: 2 } } });
  assert.match(world.ignored ?? '', /is not the one that runs/);
  assert.deepEqual(world.step('a').output, { n: 1 });
  assert.deepEqual(world.orders(), ['a.1', 'b.1']);
});

test('a report of an attempt that was given up changes nothing', () => {
  const world = given({ steps: [step('a')] })
    .wake('attempt')
    .wake('retry');
  assert.deepEqual(world.orders(), ['a.1', 'a.2']);
  world.report('a', { attempt: 1 });
  assert.match(world.ignored ?? '', /attempt 1 of "a" is not the one that runs/);
  assert.equal(world.step('a').status, 'running');
});

test('a report whose words are about another step changes nothing, whatever its subject says', () => {
  const world = given({ steps: [step('a'), step('b')] });
  const report: Report = { task_id: 't1', step_id: 'b', attempt: 1, lease: '', agent: 'x', outcome: 'succeeded' };
  world.tell({ kind: 'report', step: 'a', attempt: 1, queue: 'noop', report });
  assert.match(world.ignored ?? '', /the report says that it is about t1\.b\.1/);
});

test('a report of a step that nobody knows is ignored', () => {
  const world = given({ steps: [step('a')] });
  for (const name of ['nobody', 'constructor', '__proto__', 'a-0']) {
    const report: Report = { task_id: 't1', step_id: name, attempt: 1, lease: '', agent: 'x', outcome: 'succeeded' };
    world.tell({ kind: 'report', step: name, attempt: 1, queue: 'noop', report });
    assert.match(world.ignored ?? '', /no step is named/);
  }
});

test('an event of a task that does not exist is no task', async () => {
  const { decide } = await import('../decide.ts');
  const decision = decide(null, { kind: 'woke', n: 1, step: null, seq: 1, at: 1 });
  assert.deepEqual(decision, { state: null, effects: [], ignored: 'there is no such task' });
});

test('each attempt is kept with its agent, its times and its outcome', () => {
  const world = given({ steps: [step('a')] })
    .later(1_000)
    .fail('a')
    .wake('retry')
    .later(500)
    .report('a', { agent: 'executor.7f3a' });
  const [first, second] = world.step('a').attempts;
  assert.deepEqual([first?.n, first?.outcome, first?.error?.code], [1, 'failed', 'flaky']);
  assert.deepEqual([second?.n, second?.outcome, second?.agent], [2, 'succeeded', 'executor.7f3a']);
  assert.ok(first?.finished_at !== null && second?.started_at !== null);
});

test('only the last twenty attempts are kept', () => {
  const world = given({ steps: [step('a', { retry: { max_attempts: 100 } })] });
  for (let n = 0; n < 30; n += 1) world.fail('a').wake('retry');
  const { attempts } = world.step('a');
  assert.equal(attempts.length, 20);
  assert.deepEqual([attempts[0]?.n, attempts[19]?.n], [12, 31]);
});

test('usage adds up over all attempts, and findings over all steps', () => {
  const usage = { tokens_in: 10, tokens_out: 3, wall_ms: 100 };
  const findings = [{ severity: 'major', category: 'test', message: 'no' } as const];
  const world = given({ steps: [step('a'), step('b')] })
    .report('a', { usage, findings })
    .report('b', { usage, findings });
  assert.deepEqual(world.record.usage, { tokens_in: 20, tokens_out: 6, wall_ms: 200 });
  assert.deepEqual(world.step('a').findings, { major: 1, medium: 0, minor: 0 });
});

test('time never goes backwards within a task', () => {
  const world = given({ steps: [step('a'), step('b', 'a')] })
    .later(-3_600_000)
    .done('a');
  assert.equal(world.step('a').finished_at, world.record.created_at);
});
