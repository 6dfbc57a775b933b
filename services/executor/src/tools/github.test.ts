// The tools for GitHub, by octokit, against a local server that answers as GitHub's API is published to, over a real git repository.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, Order, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { newExecutor } from '../executor.ts';
import { startGitHub } from '../github/testing.ts';

const fixture = async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-github-test-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', ...args], {
      cwd: folder,
      stdio: 'pipe',
    });
  git('init', '-q');
  writeFileSync(join(folder, 'a.txt'), 'one\n');
  git('add', '.');
  git('commit', '-qm', 'first');
  git('checkout', '-qb', 'feature');
  writeFileSync(join(folder, 'a.txt'), 'one\ntwo\n');
  git('commit', '-qam', 'second');
  const github = await startGitHub(join(folder, '.git'));
  github.pulls.push({ number: 123, title: 'Two', head: 'feature', base: 'main' });
  const world = await newAgentWorld();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    await github[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  process.env['GITHUB_CANARY'] = github.token;
  await world.start(newExecutor(), { CAPSTAN_GITHUB_URL: github.url });
  const run = async (tool: string, input: object, more: Partial<Order> = {}): Promise<Report> => {
    const whole = { repository: 'acme/app', token: { $secret: 'env:GITHUB_CANARY' }, ...input } as Record<string, Json>;
    return world.report(await world.order({ queue: 'executor', capability: `github.${tool}`, input: whole, ...more }));
  };
  return { github, world, run };
};

const outputOf = (report: Report): Record<string, unknown> => {
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  return report.output as Record<string, unknown>;
};

test('pull_request: branches, state and files; the token is in no message and no log', async (t) => {
  const { github, world, run } = await fixture(t);
  const seen: string[] = [];
  world.bus.listen('>', ({ data }) => void seen.push(Buffer.from(data).toString()));
  const found = outputOf(await run('pull_request', { number: 123, files: true }));
  assert.deepEqual([found['title'], found['state'], found['merged'], found['additions']], ['Two', 'open', false, 1]);
  assert.deepEqual((found['head'] as { ref: string; sha: string }).sha, github.git('rev-parse', 'feature'));
  assert.deepEqual(found['files'], [{ path: 'a.txt', status: 'modified', additions: 1, deletions: 0 }]);
  assert.equal([...seen, ...world.logged].join('').includes(github.token), false);
  assert.match(world.logged.join(''), /"method":"GET","url":"http:[^"]*\/repos\/acme\/app\/pulls\/123"/);
});

test('commit_code: files become one commit on a branch, made where it is not there; a second attempt commits nothing', async (t) => {
  const { github, run } = await fixture(t);
  const input = {
    branch: 'capstan/one',
    commit_message: 'Add and remove',
    files: [
      { path: 'src/new.ts', content: 'export {};\n' },
      { path: 'bin/run', base64: Buffer.from('#!/bin/sh\n').toString('base64'), executable: true },
      { path: 'a.txt', delete: true },
    ],
  };
  const made = outputOf(await run('commit_code', input, { task_id: 'c' }));
  assert.deepEqual(
    [made['created'], made['again'], made['commit']],
    [true, false, github.git('rev-parse', 'capstan/one')],
  );
  assert.equal(
    github.git('ls-tree', '-r', '--format=%(objectmode) %(path)', 'capstan/one'),
    '100755 bin/run\n100644 src/new.ts',
  );
  assert.equal(github.git('rev-parse', 'capstan/one^'), github.git('rev-parse', 'main'));
  const again = outputOf(await run('commit_code', input, { task_id: 'c', attempt: 2 }));
  assert.deepEqual([again['again'], again['commit']], [true, made['commit']]);
  const other = outputOf(
    await run('commit_code', { ...input, files: [{ path: 'b', content: 'b' }] }, { task_id: 'd' }),
  );
  assert.deepEqual([other['created'], github.git('rev-parse', 'capstan/one^')], [false, made['commit']]);
  // A step whose name begins as that of another is another step.
  await run('commit_code', { ...input, files: [{ path: 'c', content: 'c' }] }, { task_id: 'd', step_id: 'fix-tests' });
  const fix = await run(
    'commit_code',
    { ...input, files: [{ path: 'd', content: 'd' }] },
    { task_id: 'd', step_id: 'fix' },
  );
  assert.deepEqual([outputOf(fix)['again'], github.git('show', 'capstan/one:d')], [false, 'd']);
  const moved = await run('commit_code', { ...input, expected_head: String(made['commit']) }, { task_id: 'e' });
  assert.deepEqual([moved.error?.code, moved.error?.retryable], ['head_changed', false]);
  assert.match(
    (await run('commit_code', { ...input, files: [{ path: '../x', content: '' }] })).error?.message ?? '',
    /^files\.0\.path: /,
  );
});

test('merge: what was approved and nothing else; what is merged already is what was wanted', async (t) => {
  const { github, run } = await fixture(t);
  const sha = github.git('rev-parse', 'feature');
  const other = await run('merge', { number: 123, sha: '0'.repeat(40) });
  assert.deepEqual([other.error?.code, other.error?.retryable], ['head_changed', false]);
  github.pulls[0]!.blocked = 'At least 1 approving review is required by reviewers with write access.';
  const blocked = await run('merge', { number: 123, sha });
  assert.deepEqual([blocked.error?.code, blocked.error?.retryable], ['not_mergeable', true]);
  delete github.pulls[0]!.blocked;
  const merged = outputOf(await run('merge', { number: 123, sha }));
  assert.deepEqual([merged['again'], merged['commit']], [false, github.git('rev-parse', 'main')]);
  assert.equal(github.git('show', 'main:a.txt'), 'one\ntwo');
  assert.deepEqual(outputOf(await run('merge', { number: 123, sha })), { ...merged, again: true });
});

test('comment: said once, though attempted twice', async (t) => {
  const { github, run } = await fixture(t);
  const first = outputOf(await run('comment', { number: 123, body: 'Deployed.' }, { task_id: 'c' }));
  const second = outputOf(await run('comment', { number: 123, body: 'Deployed.' }, { task_id: 'c', attempt: 2 }));
  assert.deepEqual([second['id'], second['again'], github.comments.length], [first['id'], true, 1]);
  assert.equal(github.comments[0]?.body, 'Deployed.\n\n<!-- capstan c.s -->');
  // An executor that is killed after it was said leaves the same attempt to be done again.
  github.comments[0]!.body = 'Deployed.\n\n<!-- capstan d.s -->';
  const again = outputOf(await run('comment', { number: 123, body: 'Deployed.' }, { task_id: 'd' }));
  assert.deepEqual([again['id'], again['again'], github.comments.length], [first['id'], true, 1]);
});

test('checks: waited for, and a failed one fails the step with its name', async (t) => {
  const { github, run } = await fixture(t);
  assert.equal(outputOf(await run('checks', { ref: 'feature' }))['state'], 'none');
  github.checks.push(
    { name: 'build', status: 'in_progress', conclusion: null },
    { name: 'lint', status: 'completed', conclusion: 'skipped' },
  );
  github.statuses.push({ context: 'ci/old', state: 'success' });
  const pending = await run('checks', { ref: 'feature' });
  assert.deepEqual([pending.error?.code, pending.error?.retryable], ['checks_pending', true]);
  const waiting = run('checks', { ref: 'feature', wait_ms: 60_000, every_ms: 100 });
  const asked = () => github.heard.filter((one) => one.endsWith('/check-runs')).length;
  for (const before = asked(); asked() <= before; ) await new Promise((next) => setImmediate(next));
  Object.assign(github.checks[0]!, { status: 'completed', conclusion: 'success' });
  assert.equal(outputOf(await waiting)['state'], 'success');
  Object.assign(github.checks[0]!, { conclusion: 'failure' });
  const failed = await run('checks', { ref: 'feature' });
  assert.deepEqual(
    [failed.error?.code, failed.error?.message, failed.error?.retryable],
    ['checks_failed', 'Failed: build.', false],
  );
  assert.equal(outputOf(await run('checks', { ref: 'feature', require: false }))['state'], 'failure');
});

test('limits are waited out as long as GitHub says; a wrong token or a missing repository is final', async (t) => {
  const { github, run } = await fixture(t);
  const ask = async (more: object = {}) => (await run('pull_request', { number: 123, ...more })).error;
  const reset = String(Math.ceil(Date.now() / 1_000) + 60);
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset };
  github.next.push({ status: 403, message: 'API rate limit exceeded', headers });
  const limited = await ask();
  assert.deepEqual([limited?.code, limited?.retryable], ['github_rate_limited', true]);
  assert.ok((limited?.retry_after_ms ?? 0) > 30_000);
  github.next.push({ status: 502, message: 'Bad gateway' });
  assert.deepEqual((await ask())?.code, 'github_unavailable');
  const denied = await ask({ token: 'wrong-token' });
  assert.deepEqual([denied?.code, denied?.retryable], ['github_denied', false]);
  assert.equal((await ask({ repository: 'acme/none' }))?.code, 'github_not_found');
});
