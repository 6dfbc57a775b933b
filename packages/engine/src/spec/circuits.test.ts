// Rules: the error decision. Circuit open: dead letter. Not retryable: a person. Attempts left: again, later. Else dead letter; and where the step
// is of no matter, skipped. Failures that speak of the agent are told to the breakers of its queue and its tool, and a breaker answers while open.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '@capstan/contracts';
import { textIn } from '../actors/actor.ts';
import { breaker, type BreakerState } from '../actors/breaker.ts';
import { ActorWorld } from '../actors/testing.ts';
import { given, step } from '../testing.ts';

const told = (world: ReturnType<typeof given>) => world.of('say').map(({ to, name }) => [to, name.join('.')]);
const open = { reason: 'the circuit of queue "noop" is open' };

test('a failure that speaks of the agent is told to the breaker of its queue and to that of its tool', () => {
  const world = given({ steps: [step('a')] }).fail('a', 'timeout');
  assert.deepEqual(told(world), [
    ['_breaker-queue-noop', 'failed.t1.a.1'],
    ['_breaker-tool-noop', 'failed.t1.a.1'],
  ]);
  assert.deepEqual(world.of('say')[0]?.body, {
    of: 'queue',
    name: 'noop',
    code: 'timeout',
    message: 'timeout!',
    failures: 10,
    recovery_ms: 30_000,
    codes: ['timeout', 'crashed', 'unavailable', 'max_deliveries'],
    counts: true,
    asks: false,
  });
});

test('a failure of the work is told as well, as one that does not count; a success is not', () => {
  const world = given({ steps: [step('a')] }).fail('a', 'tests_failed');
  assert.deepEqual(
    world.of('say').map(({ body }) => [body['counts'], body['asks']]),
    [
      [false, false],
      [false, false],
    ],
  );
  assert.deepEqual(told(given({ steps: [step('a')] }).done('a')), []);
  assert.deepEqual(told(given({ rules: 2, steps: [step('a')] }).fail('a', 'tests_failed')), []);
});

test('a silent agent counts: its attempt was lost', () => {
  assert.equal(told(given({ steps: [step('a')] }).wake('attempt')).length, 2);
});

test('which codes count, and how many, is configured: for all, for one queue or tool, and by the plan', () => {
  const circuit = { failures: 9, codes: ['*'], queues: { noop: { failures: 2 } }, tools: { noop: { failures: 0 } } };
  const world = given({ settings: { ...defaultSettings, circuit }, steps: [step('a')] }).fail('a', 'tests_failed');
  assert.deepEqual(told(world), [['_breaker-queue-noop', 'failed.t1.a.1']]);
  assert.equal(world.of('say')[0]?.body['failures'], 2);
  const own = given({ plan: { circuit: { failures: 0 }, steps: [step('a')] } }).fail('a', 'timeout');
  assert.deepEqual(told(own), []);
});

test('circuit open: the attempt is put aside instead of tried again', () => {
  const world = given({ steps: [step('a')] })
    .fail('a', 'timeout')
    .told('tripped', ['a', '1'], open);
  assert.deepEqual([world.status, world.step('a').error?.code], ['failed', 'circuit_open']);
  assert.deepEqual(
    world.of('bury').map(({ reason, step: of, attempt }) => [reason, of, attempt]),
    [['circuit_open', 'a', 1]],
  );
});

test('circuit open goes before not retryable: nobody is asked any more', () => {
  const world = given({ steps: [step('a')] }).fail('a', 'crashed', { retryable: false });
  assert.equal(world.step('a').status, 'awaiting_input');
  world.told('tripped', ['a', '1'], open);
  assert.deepEqual([world.step('a').status, world.intervention('a').status], ['failed', 'withdrawn']);
});

test('circuit open, and the step is of no matter: skipped', () => {
  const world = given({ steps: [step('a', { on_failure: 'skip' }), step('b', 'a')] })
    .fail('a', 'timeout')
    .told('tripped', ['a', '1'], open);
  assert.deepEqual(world.statuses(), { a: 'skipped', b: 'running' });
});

const last = step('a', { retry: { max_attempts: 1 } });
const letters = (world: ReturnType<typeof given>) => world.of('bury').map(({ reason }) => reason);

test('circuit open goes before no attempts left: the last failure waits until both breakers have spoken', () => {
  for (const code of ['timeout', 'tests_failed']) {
    const world = given({ breakersSilent: true, steps: [last] }).fail('a', code);
    assert.deepEqual([world.step('a').status, letters(world)], ['retrying', []]);
    assert.match(world.step('a').waiting_for ?? '', /^the circuit of its queue to say whether it is open/);
    assert.deepEqual(letters(world.told('passed', ['a', '1', 'queue'])), []);
    world.told('tripped', ['a', '1'], open);
    assert.deepEqual(
      [world.status, world.step('a').error?.code, letters(world)],
      ['failed', 'circuit_open', ['circuit_open']],
    );
  }
});

test('no circuit open: the last failure is what it was', () => {
  const world = given({ breakersSilent: true, steps: [last] }).fail('a', 'tests_failed');
  world.told('passed', ['a', '1', 'queue']).told('passed', ['a', '1', 'tool']);
  assert.deepEqual(
    [world.status, world.step('a').error?.code, letters(world)],
    ['failed', 'tests_failed', ['retries_exhausted']],
  );
  assert.match(world.told('passed', ['a', '1', 'tool']).ignored ?? '', /waits for no circuit/);
});

test('a breaker that says nothing is not waited for for ever, nor where the circuit never opens', () => {
  const world = given({ breakersSilent: true, steps: [last] })
    .fail('a')
    .wake('retry');
  assert.deepEqual([world.status, letters(world)], ['failed', ['retries_exhausted']]);
  const never = given({ breakersSilent: true, plan: { circuit: { failures: 0 }, steps: [last] } }).fail('a');
  assert.deepEqual([never.status, letters(never)], ['failed', ['retries_exhausted']]);
});

test('a failure that waits for its circuit is retried, skipped or cancelled by hand like any other', () => {
  const world = () => given({ breakersSilent: true, steps: [last] }).fail('a');
  assert.deepEqual(world().command('retry', 'a').ordered(), ['a.2']);
  assert.deepEqual(world().command('retry', 'a').told('passed', ['a', '1', 'tool']).step('a').status, 'running');
  assert.equal(world().command('skip', 'a').status, 'succeeded');
  assert.equal(world().command('cancel').status, 'cancelled');
});

test('what a breaker says of an attempt that is over changes nothing', () => {
  const world = given({ steps: [step('a')] })
    .fail('a', 'timeout')
    .wake('retry')
    .told('tripped', ['a', '1'], open);
  assert.match(world.ignored ?? '', /attempt 1 of "a" waits for no other one/);
  assert.equal(world.step('a').status, 'running');
});

class Circuit extends ActorWorld<BreakerState> {
  failsOtherwise(more: { counts: boolean; asks: boolean }, rules = 3): this {
    const body = { of: 'queue', name: 'farm', code: 'tests_failed', message: 'No.', failures: 2, recovery_ms: 1_000 };
    this.rules = rules;
    return this.tell('failed', ['t9', 'a', '1'], { ...body, ...more, task_id: 't9', task_key: 'k' });
  }
  fails(task = 't1', limit = 2): this {
    const body = { of: 'queue', name: 'farm', code: 'timeout', message: 'No report.', failures: limit };
    return this.tell('failed', [task, 'a', '1'], { ...body, recovery_ms: 1_000, task_id: task, task_key: 'k' });
  }
  succeeds(): this {
    return this.tell('succeeded', [String(this.seq)]);
  }
  get circuit(): string {
    return this.state.circuit;
  }
  tripped(): string[] {
    return this.of('tell').map(({ to, name }) => `${to.task}.${name.join('.')}`);
  }
}
const circuit = () => new Circuit(breaker);

test('closed: so many failures in a row open it, and the one that does is told', () => {
  const world = circuit().fails('t1');
  assert.deepEqual([world.circuit, world.tripped()], ['closed', []]);
  world.fails('t2');
  assert.deepEqual([world.circuit, world.tripped()], ['open', ['t2.tripped.a.1']]);
  assert.deepEqual(world.of('wake'), [{ kind: 'wake', n: 1, at: world.at + 1_000 }]);
});

test('a success between them begins the count anew', () => {
  assert.equal(circuit().fails().succeeds().fails().circuit, 'closed');
});

test('open: whoever fails is told, a late success proves nothing', () => {
  const world = circuit().fails().fails().fails('t3');
  assert.deepEqual(world.tripped(), ['t3.tripped.a.1']);
  assert.match(
    textIn(world.of('tell')[0] as never, 'reason'),
    /queue "farm" is open after 3 failures in a row.*timeout/,
  );
  assert.match(world.succeeds().ignored ?? '', /its trial has not begun/);
});

test('half open after the recovery time: a success closes it, a failure opens it for as long again', () => {
  assert.equal(circuit().fails().fails().wake().circuit, 'half_open');
  assert.deepEqual(
    [circuit().fails().fails().wake().succeeds().circuit, circuit().fails().fails().wake().succeeds().state.failures],
    ['closed', 0],
  );
  const world = circuit().fails().fails().wake().fails();
  assert.deepEqual([world.circuit, world.state.trips, world.of('wake')[0]?.n], ['open', 2, 2]);
});

test('a timer that is no longer set, or rings twice, changes nothing', () => {
  const world = circuit().fails().fails().wake().fails();
  world.tell('woke', ['1']);
  assert.deepEqual([world.circuit, world.ignored], ['open', 'timer 1 is no longer set']);
});

test('a person closes it by hand', () => {
  const world = circuit().fails().fails().tell('reset', ['x']);
  assert.deepEqual([world.circuit, world.of('unwake').length], ['closed', 1]);
  assert.equal(world.tell('reset', ['y']).ignored, 'the circuit is closed');
});

test('a failure that does not count is answered while the circuit is open, and changes nothing', () => {
  const world = circuit().fails().fails().failsOtherwise({ counts: false, asks: false });
  assert.deepEqual([world.state.failures, world.state.last?.code], [2, 'timeout']);
  assert.deepEqual(world.tripped(), ['t9.tripped.a.1']);
  assert.deepEqual(circuit().fails().failsOtherwise({ counts: false, asks: false }).tripped(), []);
  assert.equal(circuit().fails().failsOtherwise({ counts: false, asks: false }).circuit, 'closed');
});

test('whoever asks is answered: that it is open, or under the name of the breaker that it is not', () => {
  assert.deepEqual(circuit().fails().fails().failsOtherwise({ counts: false, asks: true }).tripped(), [
    't9.tripped.a.1',
  ]);
  for (const counts of [true, false])
    assert.deepEqual(circuit().failsOtherwise({ counts, asks: true }).tripped(), ['t9.passed.a.1.queue']);
  assert.deepEqual(circuit().fails().failsOtherwise({ counts: true, asks: true }).tripped(), ['t9.tripped.a.1']);
  assert.deepEqual(circuit().failsOtherwise({ counts: true, asks: true }, 2).tripped(), []);
});
