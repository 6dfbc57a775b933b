// Rules: work with checks or criteria is looked at by the verifier before it counts. What is found wanting is done again, with the reasons.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingId } from '../finding-id.ts';
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

const major = { severity: 'major', category: 'lint', message: 'x' } as const;
const medium = { severity: 'medium', category: 'lint', message: 'x' } as const;

test('where the thresholds say so, too many findings are the end of the step, and nobody is asked', () => {
  const world = given({ thresholds: { max_major: 0, over: 'abort' }, steps: [checked] })
    .done('a')
    .report('a', { ...passed, findings: [major] });
  assert.deepEqual([world.step('a').status, world.step('a').error?.code], ['failed', 'too_many_findings']);
  assert.deepEqual([world.status, world.record.interventions], ['failed', []]);
});

test('what they only warn of is noted, and the step goes on', () => {
  const world = given({
    thresholds: { max_major: 0, max_medium: 1, over: { major: 'abort', medium: 'warn' } },
    steps: [checked],
  })
    .done('a')
    .report('a', { ...passed, findings: [medium, medium] });
  assert.equal(world.step('a').status, 'succeeded');
  const { policy, mode, step: id, reason } = (world.record['denials'] as Record<string, string>[])[0] ?? {};
  assert.deepEqual([policy, mode, id, reason], ['thresholds', 'check', 'a', '2 medium findings, at most 1 allowed']);
});

test('of several severities that there is too much of, the sternest decides', () => {
  const world = given({
    thresholds: { max_major: 0, max_medium: 0, over: { major: 'abort', medium: 'warn' } },
    steps: [checked],
  })
    .done('a')
    .report('a', { ...passed, findings: [medium, major] });
  assert.equal(
    world.step('a').error?.message,
    '1 major findings, at most 0 allowed; 1 medium findings, at most 0 allowed',
  );
  assert.equal(world.step('a').status, 'failed');
});

test('what the repository allows counts beside what the task does, and makes nothing milder', () => {
  const output = { passed: true, checks: [], thresholds: { max_medium: 0, over: 'abort' } };
  const stern = given({ thresholds: { max_medium: 5 }, steps: [checked] })
    .done('a')
    .report('a', { output, findings: [medium] });
  assert.equal(stern.step('a').status, 'failed');
  const mild = given({ thresholds: { max_medium: 0 }, steps: [checked] })
    .done('a')
    .report('a', { output: { ...output, thresholds: { max_medium: 9, over: 'warn' } }, findings: [medium] });
  assert.equal(mild.intervention('a').kind, 'flag');
});

test('only a verification speaks for the repository', () => {
  const output = { thresholds: { max_major: 0, over: 'abort' } };
  const other = given({ steps: [step('a')] }).report('a', { output, findings: [major] });
  assert.equal(other.step('a').status, 'succeeded');
  const own = given({ steps: [step('a', { capability: 'verify' })] }).report('a', { output, findings: [major] });
  assert.equal(own.step('a').status, 'failed');
});

test('what somebody has dealt with is found again without counting', () => {
  const known = { ...major, fingerprint: 'abc' };
  const world = given({ thresholds: { max_major: 0 }, steps: [checked] })
    .done('a')
    .report('a', { ...passed, findings: [known, major] });
  world.told('resolved', [findingId('t1', 'a', major)]).told('resolved', [findingId('t1', 'elsewhere', known)]);
  world
    .approve('a')
    .done('a')
    .report('a', { ...passed, findings: [known, major] });
  assert.deepEqual(
    [world.step('a').status, world.step('a').findings],
    ['succeeded', { major: 0, medium: 0, minor: 0 }],
  );
});

test('without a fingerprint a finding is that of its step alone', () => {
  const world = given({ thresholds: { max_major: 0 }, steps: [checked] });
  world.told('resolved', [findingId('t1', 'b', major)]);
  world.done('a').report('a', { ...passed, findings: [major] });
  assert.equal(world.intervention('a').kind, 'flag');
});

test('a verdict that is kept elsewhere is none', () => {
  const output = { $ref: 'capstan_artifacts/x/a/2/output.json', size: 9_000, sha256: 'x' };
  const world = given({ steps: [checked] })
    .done('a')
    .report('a', { output });
  assert.deepEqual([world.step('a').status, world.step('a').error?.code], ['retrying', 'invalid_report']);
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
