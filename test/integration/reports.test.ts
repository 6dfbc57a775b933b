// What is known of a task in the end, over a real server: its report, its findings, and who dealt with them; and the templates that a planner knows.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { usualWork, type Work } from './support/agent.ts';
import { capstan } from './support/cli.ts';
import { audit } from './support/audit.ts';
import { startWorld } from './support/world.ts';

interface Found {
  readonly id: string;
  readonly severity: string;
  readonly attempt: number;
  readonly times: number;
  readonly resolved: { readonly by: string; readonly reason: string | null } | null;
}

/** Finds the same thing in each attempt, and something more in the first. */
const check: Work = ({ attempt }) => ({
  outcome: attempt === 1 ? 'failed' : 'succeeded',
  ...(attempt === 1 ? { error: { code: 'flaky', message: 'once more' } } : {}),
  findings: [
    { severity: 'minor', category: 'lint', message: 'a | b is <b>odd</b>', location: 'a.ts:1' },
    ...(attempt === 1
      ? [{ severity: 'major' as const, category: 'test', message: 'it fails', location: 'b.ts:2' }]
      : []),
  ],
});

test('the report tells it all, findings are listed and dealt with once', async () => {
  await using world = await startWorld({ agent: false });
  await world.agent({ work: { ...usualWork, check } });
  const retry = { initial_delay_ms: 10, jitter: 0 };
  const { task_id } = await world.submit({
    title: 'Check # it',
    requester: 'bob',
    plan: {
      steps: [
        { id: 'a', capability: 'check', retry },
        { id: 'b', capability: 'echo', depends_on: ['a'], input: { n: 7 } },
      ],
    },
  });
  await world.ended(task_id);
  const { findings } = await world.api<{ findings: Found[] }>('finding.list', { task_id });
  assert.deepEqual(
    findings.map(({ severity, attempt, times, resolved }) => [severity, attempt, times, resolved]),
    [
      ['major', 1, 1, null],
      ['minor', 2, 2, null],
    ],
  );
  const [major] = findings;
  const said = { task_id, id: major?.id, by: 'alice', reason: 'mended' };
  assert.equal((await world.api('finding.resolve', said))['again'], false);
  assert.equal((await world.api('finding.resolve', said))['again'], true);
  const { error } = await world.ask('finding.resolve', { ...said, by: 'eve' });
  assert.deepEqual([error?.code, error?.message], ['conflict', 'alice has resolved it already.']);
  assert.equal((await world.ask('finding.resolve', { task_id, id: 'nothing' })).error?.code, 'not_found');
  const open = await world.api<{ findings: Found[] }>('finding.list', { task_id, resolved: false });
  assert.deepEqual(
    open.findings.map(({ severity }) => severity),
    ['minor'],
  );

  const report = await world.api<Record<string, never> & { markdown: string }>('task.report', { task_id });
  assert.deepEqual(report['findings'], { major: 1, medium: 0, minor: 1, open: 1 });
  assert.deepEqual([report['status'], report['result']], ['succeeded', { n: 7 }]);
  assert.match(report.markdown, /^# Check # it\n\nTask `.*` of tenant default, asked for by bob: \*\*succeeded\*\*\./);
  assert.match(report.markdown, /\| a \| succeeded \| 2 \| worker\.w1 \| \d+\.\d s \| \|?/);
  assert.match(report.markdown, /\| minor \| lint \| a\.ts:1 \| a \\\| b is &lt;b&gt;odd&lt;\/b&gt; \|/);
  assert.match(report.markdown, /resolved by alice/);
  assert.match((await capstan(world.server.url, 'report', task_id)).out, /^# Check # it\n\nTask/);
  const table = (await capstan(world.server.url, 'findings', task_id, '--open')).out;
  assert.match(table, /^ID +SEVERITY +CATEGORY +WHERE +RESOLVED BY +WHAT\nf\w+ +minor +lint +a\.ts:1 +-/);
  const whole = (await capstan(world.server.url, 'findings', task_id, '--show', major?.id ?? '')).out;
  assert.match(whole, /^finding +f\w+\nwhat +major, test\nwhere +b\.ts:2\nfound +by attempt 1 of a at /);
  assert.match(whole, /dealt with +by alice: mended\n\nit fails\n$/);
  assert.equal((await world.ask('task.report', { task_id: 'nobody' })).error?.code, 'not_found');
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [task_id])).violations, []);
});

test('a false alarm that stopped a task is dealt with, and the task goes on', async () => {
  await using world = await startWorld({ agent: false });
  const alarm = {
    severity: 'major',
    category: 'security',
    message: 'a key',
    location: 'a.ts:1',
    fingerprint: 'k',
  } as const;
  await world.agent({ work: { ...usualWork, check: () => ({ outcome: 'succeeded', findings: [alarm] }) } });
  const plan = { thresholds: { max_major: 0 }, steps: [{ id: 'a', capability: 'check' }] };
  const { task_id } = await world.submit({ plan });
  const stopped = await world.until(task_id, 'stopped', ({ interventions }) => interventions.length === 1);
  const { findings } = await world.api<{ findings: Found[] }>('finding.list', { task_id });
  await world.api('finding.resolve', { task_id, id: findings[0]?.id, by: 'alice', reason: 'a key for tests' });
  await world.api('inbox.approve', { id: stopped.interventions[0], by: 'alice' });
  const { status, steps } = await world.ended(task_id);
  assert.deepEqual([status, steps['a']?.findings.major], ['succeeded', 0]);
  const after = await world.api<{ findings: Found[] }>('finding.list', { task_id });
  assert.deepEqual(
    after.findings.map(({ times, resolved }) => [times, resolved?.by]),
    [[2, 'alice']],
  );
  await world.quiet();
  assert.deepEqual((await audit(world.bus, [task_id])).violations, []);
});

test('templates are listed, shown and filled in by a planner', async () => {
  await using world = await startWorld({ agent: false, coordinators: 0 });
  const planner = spawn(process.execPath, [join(import.meta.dirname, '../../services/planner/src/main.ts')], {
    env: { PATH: process.env['PATH'] ?? '', CAPSTAN_NATS_URL: world.server.url },
    stdio: 'ignore',
  });
  try {
    let listed: { name: string }[] | undefined;
    while (listed === undefined)
      listed = await world
        .api<{ templates: { name: string }[] }>('template.list', {})
        .then(({ templates }) => templates)
        .catch(() => world.changeOr(100).then(() => undefined));
    assert.ok(listed.some(({ name }) => name === 'hello') && listed.some(({ name }) => name === 'deploy-feature'));
    assert.ok(
      Array.isArray((await world.api<{ plan: { steps: unknown[] } }>('template.get', { name: 'hello' })).plan.steps),
    );
    const rendered = await world.api<{ plan: { steps: { id: string }[] } }>('template.render', { name: 'hello' });
    assert.ok(rendered.plan.steps.length > 0);
    assert.match((await capstan(world.server.url, 'templates')).out, /deploy-feature +pr/);
    const plan = JSON.parse(
      (await capstan(world.server.url, 'templates', 'hello', '--render')).out,
    ) as typeof rendered.plan;
    assert.deepEqual(plan, rendered.plan);
    const unknown = await world.ask('template.get', { name: 'helo' });
    assert.deepEqual([unknown.error?.code, unknown.status], ['not_found', '404']);
    assert.match(unknown.error?.message ?? '', /was "hello" meant/);
    const wrong = await world.ask('template.render', { name: 'hello', params: { nobody: 1 } });
    assert.deepEqual([wrong.error?.code, wrong.status], ['invalid', '400']);
  } finally {
    planner.kill('SIGKILL');
  }
});
