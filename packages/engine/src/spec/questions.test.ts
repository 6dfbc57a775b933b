// Rules: a step may ask a person while it works. It goes on with the answer, as a new attempt that uses up none of those allowed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

test('a question waits for an answer, which comes with the next order, and so does what the agent left', () => {
  const world = given({ steps: [step('a')] }).question('a', 'Which branch?', {
    state: { at: 3 },
    schema: { type: 'string' },
  });
  assert.equal(world.status, 'awaiting_input');
  assert.deepEqual(
    [world.intervention('a').text, world.intervention('a').schema],
    ['Which branch?', { type: 'string' }],
  );
  world.answer('a', 'main');
  assert.deepEqual(world.ordered(), ['a.2']);
  const order = world.lastOrder('a');
  assert.equal(order.answer?.value, 'main');
  assert.equal(order.answer?.by, 'alice');
  assert.deepEqual(order.state, { at: 3 });
});

test('asking uses up no attempt', () => {
  const world = given({ steps: [step('a', { retry: { max_attempts: 1 } })] })
    .question('a')
    .answer('a', 1)
    .question('a')
    .answer('a', 2);
  assert.deepEqual(world.orders(), ['a.1', 'a.2', 'a.3']);
  assert.equal(world.fail('a').step('a').status, 'failed');
});

test('a retry after the answer still has it', () => {
  const world = given({ steps: [step('a')] })
    .question('a')
    .answer('a', 'main')
    .fail('a')
    .wake('retry');
  assert.equal(world.lastOrder('a').answer?.value, 'main');
});

test('a question that is refused fails the step', () => {
  const world = given({ steps: [step('a')] })
    .question('a')
    .reject('a', 'none of your business');
  assert.equal(world.step('a').error?.code, 'rejected');
  assert.equal(world.status, 'failed');
});

test('a question that nobody answers expires, and the order is put aside', () => {
  const world = given({ steps: [step('a')] })
    .question('a', 'Hm?', { expires_ms: 1_000 })
    .wake('expiry');
  assert.equal(world.step('a').error?.code, 'expired');
  assert.equal(world.of('bury')[0]?.reason, 'expired');
});

test('a report that says "question" without one is a failed attempt', () => {
  const world = given({ steps: [step('a')] }).report('a', { outcome: 'question' });
  assert.deepEqual([world.step('a').status, world.step('a').error?.code], ['retrying', 'invalid_report']);
});

test('capability "input" asks a person, whose answer is its output', () => {
  const world = given({
    steps: [
      step('name', { capability: 'input', input: { text: 'What is it called?', schema: { type: 'string' } } }),
      step('make', 'name', { input: { called: '${{ steps.name.output }}' } }),
    ],
  });
  assert.equal(world.intervention('name').text, 'What is it called?');
  world.answer('name', 'Rex');
  assert.deepEqual(world.lastOrder('make').input, { called: 'Rex' });
});

test('roles of an "input" say who may answer it, and nobody has to approve it first', () => {
  const world = given({ steps: [step('q', { capability: 'input', approval: { roles: ['lead'] } })] });
  assert.equal(world.intervention('q').kind, 'question');
  assert.match(world.answer('q', 1).ignored ?? '', /Only lead may decide/);
});

test('while a task is being cancelled nobody is asked anything', () => {
  const world = given({ steps: [step('a')] })
    .command('cancel')
    .question('a');
  assert.deepEqual(world.of('ask'), []);
  assert.equal(world.status, 'cancelled');
});
