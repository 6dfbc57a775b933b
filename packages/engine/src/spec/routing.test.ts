// Rules: where one queue offers a capability, that was stored with the task and an order goes out at once. Else the broker is asked, and what it
// says is an event. Nobody there: blocked, and it goes on by itself when somebody comes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '@capstan/contracts';
import { given, step } from '../testing.ts';

const gpu = step('a', { capability: 'gpu' });
const routes = (world: ReturnType<typeof given>) =>
  world.of('route').map(({ step: of, attempt }) => `${of}.${attempt}`);

test('the stored route is used without asking anybody', () => {
  const world = given({ routes: { noop: 'executor' }, steps: [step('a')] });
  assert.deepEqual([world.of('order')[0]?.queue, routes(world)], ['executor', []]);
});

test('a capability without a route asks for a queue, and says what it waits for', () => {
  const world = given({ steps: [gpu] });
  const wanted = { kind: 'route', step: 'a', attempt: 1, capability: 'gpu', needs: {}, isHurried: false };
  assert.deepEqual(world.of('route')[0], wanted);
  assert.deepEqual([world.step('a').status, world.step('a').waiting_for], ['ready', 'a queue for "gpu"']);
  assert.deepEqual(world.routed('a', 'farm').ordered(), ['a.1']);
  assert.equal(world.of('order')[0]?.queue, 'farm');
});

test('needs are asked of the broker even where there is a route', () => {
  const world = given({ steps: [step('a', { needs: { os: 'linux' } })] });
  assert.deepEqual(world.of('route')[0]?.needs, { os: 'linux' });
});

test('nobody there: blocked, in words; somebody came: it goes on', () => {
  const world = given({ steps: [gpu] }).unrouted('a', 'no live agent offers "gpu"');
  assert.deepEqual(
    [world.status, world.step('a').status, world.step('a').waiting_for],
    ['blocked', 'blocked', 'no live agent offers "gpu"'],
  );
  assert.deepEqual(world.routed('a', 'farm').ordered(), ['a.1']);
});

test('every attempt is routed anew', () => {
  const world = given({ steps: [gpu] })
    .routed('a', 'farm')
    .fail('a')
    .wake('retry');
  assert.deepEqual(routes(world), ['a.1', 'a.2']);
  world.routed('a', 'other', 2);
  assert.equal(world.of('order').at(-1)?.queue, 'other');
});

test('a route for an attempt that nobody asked for is ignored', () => {
  const world = given({ steps: [gpu, step('b')] });
  for (const [name, attempt] of [
    ['a', 2],
    ['a', 0],
    ['b', 1],
    ['b', 2],
    ['nobody', 1],
  ] as const) {
    assert.match(world.routed(name, 'farm', attempt).ignored ?? '', /waits for no queue/);
  }
  world.routed('a', 'farm').routed('a', 'late');
  assert.match(world.ignored ?? '', /waits for no queue/);
});

test('a name that was asked about is never asked about again: after a cancel the next attempt has the next number', () => {
  const world = given({ steps: [gpu] })
    .command('cancel')
    .command('retry');
  assert.deepEqual(routes(world), ['a.1', 'a.2']);
  assert.match(world.routed('a', 'farm', 1).ignored ?? '', /waits for no queue/);
  assert.deepEqual(world.routed('a', 'farm', 2).ordered(), ['a.2']);
});

test('a capability may be called anything', () => {
  for (const capability of ['constructor', 'toString', 'valueOf', 'hasOwnProperty']) {
    const world = given({ steps: [step('a', { capability })] });
    assert.deepEqual([world.orders(), world.of('route')[0]?.capability], [[], capability]);
  }
});

test('a check is routed like work', () => {
  const world = given({ routes: { noop: 'executor' }, steps: [step('a', { verify: [{}] })] }).done('a');
  assert.equal(world.of('route')[0]?.capability, 'verify');
  assert.equal(world.step('a').status, 'ready');
  assert.deepEqual(world.routed('a', 'verifier', 2).ordered(), ['a.2']);
});

test('an errand that nobody takes is blocked without any news of it', () => {
  const settings = { ...defaultSettings, notify: [{ on: ['*'], channel: 'log' }] };
  const world = given({ settings, routes: { noop: 'executor' }, steps: [step('a')] })
    .done('a')
    .unrouted('_notify-1');
  assert.equal(world.step('_notify-1').status, 'blocked');
  assert.deepEqual(Object.keys(world.record.steps), ['a', '_notify-1']);
});
