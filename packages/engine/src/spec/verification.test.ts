// Rules: work with checks or criteria is looked at by the verifier before it counts. What is found wanting is done again, with the reasons.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { given, step } from '../testing.ts';

const checked = step('a', { verify: [{ command: ['npm', 'test'] }], criteria: ['It works'] });
const passed = { output: { passed: true, checks: [] } };
const wanting = {
  output: {
    passed: false,
    checks: [
      { name: 'test', passed: false, message: '2 failed' },
      { name: 'lint', passed: true },
    ],
  },
};

test('the verifier gets the output, the checks and the criteria', () => {
  const world = given({ steps: [checked] }).report('a', { output: { n: 1 } });
  const order = world.lastOrder('a');
  assert.deepEqual([order.capability, order.attempt], ['verify', 2]);
  assert.deepEqual(order.input, {
    step_id: 'a',
    output: { n: 1 },
    checks: [{ command: ['npm', 'test'] }],
    criteria: ['It works'],
  });
  assert.equal(world.status, 'verifying');
});

test('what passes has succeeded, with the output of the work', () => {
  const world = given({ steps: [checked] })
    .report('a', { output: { n: 1 } })
    .report('a', passed);
  assert.deepEqual([world.step('a').status, world.step('a').output], ['succeeded', { n: 1 }]);
});

test('what does not pass is done again, with the reasons, within the attempts allowed', () => {
  const world = given({ steps: [checked] })
    .done('a')
    .report('a', wanting)
    .wake('retry');
  const order = world.lastOrder('a');
  assert.deepEqual(
    [order.capability, order.last_failure?.code, order.last_failure?.message],
    ['noop', 'verification_failed', 'test: 2 failed'],
  );
  world.done('a').report('a', wanting).wake('retry').done('a').report('a', wanting);
  assert.equal(world.step('a').status, 'failed');
});

test('a verifier that could not look is asked again, and the work is not done again', () => {
  const world = given({ steps: [checked] })
    .report('a', { output: { n: 1 } })
    .fail('a', 'crashed')
    .wake('retry');
  assert.equal(world.lastOrder('a').capability, 'verify');
  world.wake('attempt').wake('retry');
  assert.deepEqual(
    world.of('order').map(({ order }) => order.capability),
    ['noop', 'verify', 'verify', 'verify'],
  );
  assert.equal(world.report('a', passed).step('a').status, 'succeeded');
});

test('a verifier that never manages to look uses the attempts up', () => {
  const world = given({ steps: [checked] })
    .done('a')
    .fail('a')
    .wake('retry')
    .fail('a')
    .wake('retry')
    .fail('a');
  assert.equal(world.step('a').status, 'failed');
});

test('more findings than the thresholds allow are for a person', () => {
  const findings = Array.from({ length: 2 }, () => ({ severity: 'major' as const, category: 'lint', message: 'x' }));
  const world = given({ thresholds: { max_major: 1 }, steps: [checked] })
    .done('a')
    .report('a', { ...passed, findings });
  assert.equal(world.step('a').error?.message, '2 major findings, at most 1 allowed');
  assert.equal(world.intervention('a').kind, 'flag');
});

test('findings and artifacts of the check add to those of the work, each with its attempt', () => {
  const finding = { severity: 'minor', category: 'lint', message: 'x' } as const;
  const artifact = (name: string) => [{ name, size: 1, sha256: 'x', ref: name }];
  const world = given({ steps: [checked] })
    .report('a', { findings: [finding], artifacts: artifact('build.log') })
    .report('a', { ...passed, findings: [finding], artifacts: artifact('test.xml') });
  assert.deepEqual(world.step('a').findings, { major: 0, medium: 0, minor: 2 });
  assert.deepEqual(
    world.record.artifacts.map(({ name, attempt }) => `${name} ${attempt}`),
    ['build.log 1', 'test.xml 2'],
  );
});

test('work that is finished while the task stops is not checked any more', () => {
  const world = given({ steps: [checked] })
    .command('cancel')
    .done('a');
  assert.deepEqual([world.step('a').status, world.status], ['succeeded', 'cancelled']);
});
