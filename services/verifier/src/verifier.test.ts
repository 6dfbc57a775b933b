import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Json, type Report, roles } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { newVerifier } from './verifier.ts';

const fixture = async (t: TestContext, env: NodeJS.ProcessEnv = { CAPSTAN_UNSAFE_HOST_SHELL: '1' }) => {
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  await world.start(newVerifier(), env);
  return async (checks: unknown, more: Record<string, Json> = {}): Promise<Report> => {
    const input = { step_id: 'build', checks: checks as Json, criteria: [], ...more };
    return world.report(await world.order({ queue: 'verifier', capability: 'verify', input }));
  };
};

test('all checks pass: the verification does', async (t) => {
  const verify = await fixture(t);
  const report = await verify([{ command: ['true'] }, { command: ['node', '-e', '0'], name: 'unit' }], {
    criteria: ['It is pretty'],
  });
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  const output = roles.verifier.capabilities.verify.output.parse(report.output);
  assert.deepEqual(output, {
    passed: true,
    checks: [
      { name: 'true', passed: true },
      { name: 'unit', passed: true },
    ],
    not_judged: ['It is pretty'],
  });
});

test('a failing check is an answer, with findings; the others are run all the same', async (t) => {
  const verify = await fixture(t);
  const script = 'console.log("noise"); console.error("src/a.ts:12:3 - error: no"); process.exit(2)';
  const report = await verify([
    { command: ['node', '-e', script], name: 'types', category: 'build', severity: 'medium' },
    { command: ['true'] },
  ]);
  assert.equal(report.outcome, 'succeeded');
  assert.equal((report.output as { passed: boolean }).passed, false);
  assert.partialDeepStrictEqual(report.findings, [
    {
      severity: 'medium',
      category: 'build',
      message: 'types ended with 2:\nsrc/a.ts:12:3 - error: no',
      location: 'src/a.ts:12:3',
    },
  ]);
  assert.deepEqual((report.output as { checks: unknown[] }).checks, [
    {
      name: 'types',
      passed: false,
      message: 'ended with 2\nsrc/a.ts:12:3 types ended with 2:\nsrc/a.ts:12:3 - error: no',
    },
    { name: 'true', passed: true },
  ]);
});

test('a check can look at what the step gave out', async (t) => {
  const verify = await fixture(t);
  const command = ['node', '-e', 'process.exit(JSON.parse(require("fs").readFileSync(process.env.CAPSTAN_OUTPUT)).n)'];
  const looked = async (n: number) =>
    (await verify([{ command, name: 'look' }], { output: { n } })).output as { checks: unknown[] };
  assert.deepEqual((await looked(0)).checks, [{ name: 'look', passed: true }]);
  assert.deepEqual((await looked(4)).checks, [
    { name: 'look', passed: false, message: 'ended with 4\nlook ended with 4.' },
  ]);
});

test('a check that takes too long or is ended fails', async (t) => {
  const verify = await fixture(t);
  const report = await verify([{ command: ['sleep', '60'], timeout_ms: 30 }, { command: ['sh', '-c', 'kill -9 $$'] }]);
  const [slow, killed] = (report.output as { checks: { message: string }[] }).checks;
  assert.match(slow?.message ?? '', /^ended after \d+ ms$/);
  assert.match(killed?.message ?? '', /^ended by SIGKILL\n/);
});

test('with nothing to run it needs no sandbox', async (t) => {
  const verify = await fixture(t, {});
  assert.equal((await verify([])).outcome, 'succeeded');
});

test('what is no check is refused with its path', async (t) => {
  const verify = await fixture(t);
  assert.match(
    (await verify([{ command: ['true'] }, { command: 'npm test' }])).error?.message ?? '',
    /^checks\.1\.command: /,
  );
  assert.match((await verify('none')).error?.message ?? '', /^checks: /);
});

test('findings come with a place, a rule and a fingerprint, from what the command prints or from the files that it leaves', async (t) => {
  const verify = await fixture(t);
  const tsc = ['sh', '-c', 'echo "$PWD/src/a.ts(3,5): error TS2322: No."; exit 2'];
  const xml = '<testsuite><testcase name="adds" file="a.test.js"><failure message="no"/></testcase></testsuite>';
  const junit = ['sh', '-c', `mkdir -p out && printf '%s' '${xml}' >out/one.xml; exit 1`];
  const report = await verify([
    { command: tsc },
    { command: junit, reports: ['out/*.xml'] },
    // What the one before has left is not taken for its own.
    { command: ['false'], reports: ['out/*.xml'] },
  ]);
  assert.deepEqual(
    report.findings?.map(({ category, location, rule, message }) => [category, location, rule, message.split('\n')[0]]),
    [
      ['build', 'src/a.ts:3:5', 'TS2322', 'No.'],
      ['test', 'a.test.js', 'adds', 'adds: no'],
      ['custom', undefined, undefined, 'false ended with 1.'],
    ],
  );
  assert.equal(new Set(report.findings?.map(({ fingerprint }) => fingerprint)).size, 3);
});

test('a format that nobody knows is refused with those that there are', async (t) => {
  const verify = await fixture(t);
  const { error } = await verify([{ command: ['true'], format: 'eslnt' }]);
  assert.match(error?.message ?? '', /^checks\.0\.format: there is no "eslnt"; it may be sarif, eslint, /);
});
