import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Json, limits, type Report, roles, type ToolRecord, toolRecord } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { z } from 'zod';
import { newVerifier } from './verifier.ts';

const fixture = async (t: TestContext, env: NodeJS.ProcessEnv = { CAPSTAN_UNSAFE_HOST_SHELL: '1' }) => {
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  await world.start(newVerifier(), env);
  let steps = 0;
  return async (checks: unknown, more: Record<string, Json> = {}, task: object = {}): Promise<Report> => {
    const input = { step_id: 'build', checks: checks as Json, criteria: [], ...more };
    const step = { step_id: `step-${++steps}`, ...task };
    return world.report(await world.order({ queue: 'verifier', capability: 'verify', input, ...step }));
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
      message: 'ended with 2\nsrc/a.ts:12:3 src/a.ts:12:3 - error: no',
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
  assert.deepEqual((await looked(4)).checks, [{ name: 'look', passed: false, message: 'ended with 4' }]);
});

test('a check that takes too long or is ended fails', async (t) => {
  const verify = await fixture(t);
  const report = await verify([{ command: ['sleep', '60'], timeout_ms: 30 }, { command: ['sh', '-c', 'kill -9 $$'] }]);
  const [slow, killed] = (report.output as { checks: { message: string }[] }).checks;
  assert.match(slow?.message ?? '', /^ended after \d+ ms$/);
  assert.equal(killed?.message, 'ended by SIGKILL');
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
  assert.match(
    (await verify([{ repositry: 'code' }])).error?.message ?? '',
    /^checks\.0: has neither a "command" nor a "repository"/,
  );
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

/** A repository in the workspace of the task, put there by a check. */
const put = (files: Record<string, string>, folder = 'code') => ({
  command: [
    'node',
    '-e',
    `const fs = require("fs"); for (const [name, text] of Object.entries(${JSON.stringify(files)})) { const path = require("path").join(${JSON.stringify(folder)}, name); fs.mkdirSync(require("path").dirname(path), { recursive: true }); fs.writeFileSync(path, text); }`,
  ],
});
const verdictOf = ({ output }: Report) => roles.verifier.capabilities.verify.output.parse(output);

test('a repository is verified as its own file says, stage by stage; what that leaves out is found', async (t) => {
  const verify = await fixture(t);
  const config = `
build:
  - name: types
    command: [sh, -c, 'echo "a.ts(1,1): error TS1: No."; exit 1']
test:
  - command: echo all is well
thresholds: { max_medium: 2, over: warn }
`;
  const scripts = { test: 'exit 3', lint: 'echo "src/b.js:1:2: warning: odd [rule]"' };
  const files = { '.capstan/verify.yaml': config, 'package.json': JSON.stringify({ scripts }) };
  await verify([put(files)], {}, { task_id: 'one' });
  const report = await verify([{ repository: 'code' }], {}, { task_id: 'one' });
  const verdict = verdictOf(report);
  assert.deepEqual(
    verdict.checks.map(({ name, passed }) => [name, passed]),
    [
      ['types', false],
      ['echo all is well', true],
      ['npm run lint', true],
    ],
  );
  assert.deepEqual([verdict.passed, verdict.thresholds], [false, { max_medium: 2, over: 'warn' }]);
  assert.deepEqual(
    report.findings?.map(({ severity, category, location }) => [severity, category, location]),
    [
      ['major', 'build', 'code/a.ts:1:1'],
      ['minor', 'lint', 'code/src/b.js:1:2'],
    ],
  );
  const some = verdictOf(await verify([{ repository: 'code', stages: ['test'] }], {}, { task_id: 'one' }));
  assert.deepEqual(
    some.checks.map(({ name }) => name),
    ['echo all is well'],
  );
});

test('a mistake in the file of a repository, or nothing in it to run, is a finding of the work', async (t) => {
  const verify = await fixture(t);
  await verify([put({ '.capstan/verify.yaml': 'build: []\ntset: [x]\n' })], {}, { task_id: 'one' });
  const wrong = await verify([{ repository: 'code' }, { command: ['true'] }], {}, { task_id: 'one' });
  assert.deepEqual([wrong.outcome, verdictOf(wrong).passed], ['succeeded', false]);
  assert.equal(wrong.findings?.[0]?.location, 'code/.capstan/verify.yaml:2');
  assert.match(wrong.findings?.[0]?.message ?? '', /tset is nothing that is known here\. Did you mean test\?/);
  const empty = await verify([{ repository: 'nowhere' }], {}, { task_id: 'one' });
  assert.match(empty.findings?.[0]?.message ?? '', /^There is nothing in "nowhere" that says how to verify it/);
  const outside = await verify([{ repository: '../other' }], {}, { task_id: 'one' });
  assert.deepEqual([outside.outcome, outside.error?.code], ['failed', 'path_outside']);
});

test('a verdict of many long messages still fits into the record of the step', async (t) => {
  const verify = await fixture(t);
  const loud = { command: ['sh', '-c', 'head -c 100000 /dev/zero | tr "\\0" x; exit 1'] };
  for (const many of [5, 60]) {
    const { output } = await verify(
      Array.from({ length: many }, (_, n) => ({ ...loud, name: `${n}${'n'.repeat(200)}` })),
    );
    assert.equal((output as { passed: boolean }).passed, false);
    assert.ok(JSON.stringify(output).length <= limits.outputInlineBytesMax);
  }
});

test('a criterion is decided by the check that says so', async (t) => {
  const verify = await fixture(t);
  const report = await verify(
    [
      { command: ['false'], criterion: 'It is quick', name: 'bench' },
      { command: ['true'], criterion: 'It is small' },
    ],
    {
      criteria: ['It is quick', 'It is small', 'It is pretty'],
    },
  );
  const { criteria, not_judged } = verdictOf(report);
  assert.deepEqual(
    criteria?.map(({ text, met, by }) => [text, met, by]),
    [
      ['It is quick', false, 'command'],
      ['It is small', true, 'command'],
    ],
  );
  assert.deepEqual(not_judged, ['It is pretty']);
});

test('a verification that is a step of its own must say what of', async () => {
  await using world = await newAgentWorld();
  await world.start(newVerifier(), { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  const { error } = await world.report(await world.order({ queue: 'verifier', capability: 'verify', input: {} }));
  assert.match(error?.message ?? '', /^checks: say what to verify/);
});

test('without an engine it says so, which is no failure of the work', async (t) => {
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = 'unix:///nowhere/engine.sock';
  t.after(() => {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
  });
  const verify = await fixture(t, {});
  const { outcome, error } = await verify([{ command: ['true'] }]);
  assert.deepEqual([outcome, error?.code, error?.retryable], ['failed', 'sandbox_unavailable', true]);
  assert.match(error?.message ?? '', /no Docker Engine answers here/);
});

test('whoever writes a plan can read what it takes, and that is what it takes', async () => {
  await using world = await newAgentWorld();
  await world.start(newVerifier(), { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  const { promise, resolve } = Promise.withResolvers<ToolRecord>();
  const watching = await world.bus.store(world.bus.names.buckets.tools).watch(({ key, data }) => {
    if (key === 'verifier.verify') resolve(toolRecord.parse(JSON.parse(Buffer.from(data).toString())));
  });
  const { input, risk } = await promise;
  await watching.stop();
  assert.equal(risk, 'low');
  const schema = z.fromJSONSchema(input as never);
  for (const one of [
    { command: ['npm', 'test'], category: 'test' },
    { repository: 'code', stages: ['build'] },
  ])
    assert.ok(schema.safeParse({ checks: [one] }).success, JSON.stringify(one));
  for (const one of [{ command: 'npm test' }, { repository: 'code', stages: ['biuld'] }, {}])
    assert.ok(!schema.safeParse({ checks: [one] }).success, JSON.stringify(one));
});
