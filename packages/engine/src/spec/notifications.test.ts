// Rules: telling people is an errand: a step beside the task, with retries and dead letters like any other. The task does not wait for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

const telling = (...on: string[]) => ({ notify: [{ on, channel: 'slack', to: '#ops' }] });
const told = (world: ReturnType<typeof given>) =>
  world
    .of('order')
    .flatMap(({ order }) => (order.capability === 'notify' ? [(order.input as { event: string }).event] : []));

test('whoever wants to know of the end is told, and the task has ended before', () => {
  const world = given({ title: 'Release', settings: telling('task.*'), steps: [step('a')] }).done('a');
  assert.equal(world.status, 'succeeded');
  const { input } = world.lastOrder('_notify-1');
  assert.deepEqual(input, {
    event: 'task.succeeded',
    channel: 'slack',
    to: '#ops',
    subject: 'Release: task.succeeded',
    text: '',
    key: 't1._notify-1',
    task: { task_id: 't1', title: 'Release', status: 'succeeded', reason: null, tenant: 'default' },
  });
  assert.equal(world.state?.errands, 1);
  assert.equal(world.done('_notify-1').state?.errands, 0);
});

test('nobody wants to know: there is no errand', () => {
  assert.deepEqual(told(given({ settings: telling('task.failed'), steps: [step('a')] }).done('a')), []);
});

test('people are told of approvals, questions and flags, and of what nobody can do', () => {
  const steps = [step('a', { risk: 'high' }), step('b'), step('c'), step('d', { capability: 'gpu' })];
  const world = given({ settings: telling('*'), steps })
    .question('b')
    .fail('c', 'odd', { retryable: false })
    .unrouted('d');
  assert.deepEqual(told(world), ['approval.requested', 'question.asked', 'flag.raised', 'step.blocked']);
  assert.match(
    String((world.lastOrder('_notify-1').input as { text: string }).text),
    /^"a" waits for approval until .* \(i[0-9a-f]{19}\)$/,
  );
  assert.equal((world.lastOrder('_notify-1').input as { step_id: string }).step_id, 'a');
});

test('people are told when a failure pauses the task', () => {
  const world = given({
    on_failure: 'pause',
    settings: telling('task.paused'),
    steps: [step('a', { retry: { max_attempts: 1 } })],
  }).fail('a');
  assert.deepEqual(told(world), ['task.paused']);
});

test('a callback is told how it ended', () => {
  const world = given({ callback_url: 'https://example.org/hook', steps: [step('a')] })
    .command('cancel')
    .wake('cancel');
  const { input } = world.lastOrder('_notify-1') as unknown as { input: Record<string, string> };
  assert.deepEqual(
    [input['event'], input['channel'], input['to']],
    ['task.cancelled', 'webhook', 'https://example.org/hook'],
  );
});

test('an errand is tried eight times, then put aside; the task stays what it was', () => {
  const world = given({ settings: telling('*'), steps: [step('a')] }).done('a');
  for (let n = 1; n < 8; n += 1) world.fail('_notify-1').wake('retry');
  world.fail('_notify-1');
  assert.deepEqual(
    world.of('bury').map(({ step: of, reason, attempts }) => [of, reason, attempts]),
    [['_notify-1', 'retries_exhausted', 8]],
  );
  assert.deepEqual([world.status, world.state?.errands], ['succeeded', 0]);
});

test('a dead letter of telling is told again, and the task does not begin again', () => {
  const world = given({ settings: telling('*'), steps: [step('a')] })
    .done('a')
    .fail('_notify-1', 'gone', { retryable: false });
  assert.deepEqual(world.redrive('_notify-1').ordered(), ['_notify-1.2']);
  assert.equal(world.status, 'succeeded');
  world.done('_notify-1');
  assert.deepEqual([world.state?.errands, told(world)], [0, ['task.succeeded', 'task.succeeded']]);
});

test('errands go on while a task is cancelled or paused', () => {
  const world = given({ settings: telling('approval.requested'), steps: [step('a', { risk: 'high' })] }).command(
    'cancel',
  );
  assert.equal(world.status, 'cancelled');
  assert.equal(world.fail('_notify-1').step('_notify-1').status, 'retrying');
});

test('what people wrote is told as they wrote it', () => {
  const world = given({ title: '${{ params.x }}', settings: telling('*'), steps: [step('a')] }).done('a');
  assert.equal((world.lastOrder('_notify-1').input as { subject: string }).subject, '${{ params.x }}: task.succeeded');
});

test('an errand is no part of the plan: an approval of the plan stays one', () => {
  const world = given({ settings: telling('*'), steps: [step('a', { risk: 'high' })] });
  const before = world.record.plan_hash;
  assert.equal(world.unrouted('_notify-1').record.plan_hash, before);
  assert.deepEqual(world.approve('a').ordered(), ['a.1']);
});

test('what happens at once and is of one kind is told at once', () => {
  const family = step('f', { each: { count: 30 }, risk: 'high' });
  const world = given({ title: 'Roll out', settings: telling('approval.requested'), steps: [family] });
  assert.deepEqual(told(world), ['approval.requested']);
  const { subject, text } = world.lastOrder('_notify-1').input as { subject: string; text: string };
  assert.equal(subject, 'Roll out: approval.requested (30)');
  assert.equal(text.split('\n').length, 21);
  assert.match(text, /… and 10 more$/);
});

test('people are told of so much and no more, and of the end in any case', () => {
  const world = given({ settings: telling('*'), steps: [step('a', { retry: { max_attempts: 1 } })] });
  for (let n = 0; n < 510; n += 1) world.question('a').answer('a', n);
  assert.equal(told(world).length, 500);
  world.done('a');
  assert.equal(told(world).at(-1), 'task.succeeded');
});
