// Rules: a task has an end: by its deadline, its wall time, its tokens. A step has one by its SLA, after which a person is asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

test('a deadline that passes stops the task, whatever it waits for', () => {
  const world = given({ deadline: '2026-01-01T01:00:00Z', steps: [step('a'), step('b', { risk: 'high' })] }).wake(
    'deadline',
  );
  assert.match(world.reason, /stopping: the deadline 2026-01-01T01:00:00.000Z passed/);
  assert.equal(world.intervention('b').status, 'withdrawn');
  assert.equal(world.wake('cancel').status, 'failed');
});

test('a date alone means its end', () => {
  assert.equal(
    given({ deadline: '2026-01-01', steps: [step('a')] }).timer('deadline').at,
    Date.UTC(2026, 0, 1, 23, 59, 59, 999),
  );
});

test('a deadline ends a task that waits for approval, for a start, or paused, at once', () => {
  const deadline = '2026-01-01T01:00:00Z';
  assert.equal(given({ deadline, steps: [step('a', { risk: 'high' })] }).wake('deadline').status, 'failed');
  assert.equal(given({ deadline, start: false, steps: [step('a')] }).wake('deadline').status, 'failed');
  assert.equal(
    given({ deadline, on_failure: 'pause', steps: [step('a', { retry: { max_attempts: 1 } })] })
      .fail('a')
      .wake('deadline').status,
    'failed',
  );
});

test('the end of a task takes its timers with it', () => {
  const world = given({ deadline: '2026-01-01T01:00:00Z', budget: { wall_ms: 1_000 }, steps: [step('a')] }).done('a');
  assert.throws(() => world.timer('deadline'));
  assert.throws(() => world.timer('budget'));
});

test('wall time is a deadline that begins with the task', () => {
  const world = given({ budget: { wall_ms: 60_000 }, steps: [step('a')] });
  assert.equal(world.timer('budget').at - world.at, 60_000);
  assert.match(world.wake('budget').reason, /the budget of wall time is used up/);
});

test('a task that has used up its tokens starts nothing more, and says which policy forbids it', () => {
  const world = given({ budget: { tokens: 100 }, steps: [step('a'), step('b', 'a')] }).report('a', {
    usage: { tokens_in: 80, tokens_out: 20 },
  });
  assert.deepEqual(world.orders(), ['a.1']);
  assert.equal(world.status, 'failed');
  const { error } = world.step('b');
  assert.deepEqual(
    [error?.code, error?.message, error?.['policy']],
    ['denied_by_budget', 'the task may use 100 tokens and has used 100', 'budget'],
  );
});

test('a deadline undoes what was done where the task says so', () => {
  const steps = [step('a', { undo: { capability: 'noop' } }), step('b', 'a')];
  const world = given({ on_failure: 'compensate', deadline: '2026-01-01T01:00:00Z', steps })
    .done('a')
    .wake('deadline')
    .wake('cancel');
  assert.deepEqual(world.ordered(), ['_undo-a.1']);
  assert.equal(world.done('_undo-a').status, 'failed');
});

const late = step('a', { sla_ms: 60_000, timeout_ms: 600_000, retry: { max_attempts: 2 } });

test('a step beyond its SLA is given up for another attempt', () => {
  const world = given({ steps: [late] });
  assert.equal(world.timer('sla').at - world.at, 60_000);
  world.wake('sla');
  assert.deepEqual([world.step('a').status, world.step('a').error?.code], ['retrying', 'sla_exceeded']);
  assert.equal(world.of('cancel')[0]?.reason, 'sla_exceeded');
  world.wake('retry');
  assert.equal(world.timer('attempt').at - world.at, 600_000);
});

test('beyond its SLA and out of attempts, a step is flagged for a person', () => {
  const world = given({ steps: [late] })
    .wake('sla')
    .wake('retry')
    .fail('a');
  assert.deepEqual([world.step('a').status, world.intervention('a').kind], ['awaiting_input', 'flag']);
  assert.deepEqual(world.approve('a').ordered(), ['a.3']);
});

test('within its SLA, a step that is out of attempts is a dead letter like any other', () => {
  assert.equal(
    given({ steps: [late] })
      .fail('a')
      .wake('retry')
      .fail('a')
      .of('bury').length,
    1,
  );
});

const lateNews = (world: ReturnType<typeof given>) =>
  world.orders().filter((name) => name.startsWith('_notify')).length;
const notify = { settings: { notify: [{ on: ['step.late'], channel: 'log' }] } };

test('where its time passes while it waits for another attempt, that is said when it begins; out of attempts a person is asked', () => {
  const retry = { max_attempts: 3, initial_delay_ms: 60_000, jitter: 0 };
  const steps = [step('a', { sla_ms: 1_000, timeout_ms: 600_000, retry })];
  const world = given({ ...notify, steps })
    .fail('a')
    .wake('retry');
  assert.equal(lateNews(world), 1);
  assert.match(JSON.stringify(world.of('order').at(-1)?.order.input), /may take 1 s in all, and they are over/);
  world.fail('a').wake('retry').fail('a');
  assert.deepEqual([lateNews(world), world.intervention('a').kind], [1, 'flag']);
  assert.equal(
    lateNews(
      given({ ...notify, rules: 2, steps })
        .fail('a')
        .wake('retry'),
    ),
    0,
  );
});

test('the same after a question that took longer; and what a late attempt has said is not said again', () => {
  const asked = given({ ...notify, steps: [step('a', { sla_ms: 1_000 })] })
    .question('a')
    .later(3_600_000);
  assert.equal(lateNews(asked.answer('a', 'main')), 1);
  assert.equal(asked.done('a').status, 'succeeded');
  const twice = given({ ...notify, steps: [late] })
    .wake('sla')
    .wake('retry');
  assert.equal(lateNews(twice), 1);
});
