// examples/verified-change whole, in containers: a repository is cloned, changed, built, tested and linted; what is wrong with the change is
// found, and stops the task at the threshold. Mended, it goes through.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Plan } from '@capstan/contracts';
import { newScope } from '@capstan/sandbox/testing';
import { capstan } from '../integration/support/cli.ts';
import { startWorld } from '../integration/support/world.ts';
import { skip } from './support.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/verified-change');

const temporary = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-change-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** The example's image, with the compiler and the linter that this repository uses itself, as npm would have laid them out. */
const makeImage = (t: TestContext): string => {
  const folder = temporary(t);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  for (const [name, scope] of [
    ['typescript', '@typescript'],
    ['oxlint', '@oxlint'],
  ] as const) {
    const beside = join(realpathSync(join(root, 'node_modules', name)), '..');
    // Links and all: what is inside a package of its own platform is what runs.
    execFileSync('cp', ['-rL', join(beside, name), join(beside, scope), modules]);
  }
  symlinkSync('../typescript/bin/tsc', join(modules, '.bin/tsc'));
  symlinkSync('../oxlint/bin/oxlint', join(modules, '.bin/oxlint'));
  const tag = `capstan-test-tools-${process.pid}`;
  const built = spawnSync('docker', ['build', '--quiet', '--tag', tag, '--file', join(example, 'Dockerfile'), folder], {
    encoding: 'utf8',
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  assert.equal(built.status, 0, built.stderr);
  t.after(() => spawnSync('docker', ['rmi', '--force', tag]));
  return tag;
};

const makeRepository = (t: TestContext): string => {
  const folder = temporary(t);
  cpSync(join(example, 'repository'), folder, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', ...args], {
      cwd: folder,
      stdio: 'pipe',
    });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'first');
  return folder;
};

const start = (t: TestContext, service: string, env: NodeJS.ProcessEnv): void => {
  const main = join(root, 'services', service, 'src/main.ts');
  const child = spawn(process.execPath, [main], { env: { ...process.env, ...env }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
};

test('a type error, a failing test and a lint problem are found, and stop it; without them it goes through', {
  skip,
  timeout: 240_000,
}, async (t) => {
  await using world = await startWorld({ agent: false });
  const { scope, remove } = newScope();
  t.after(() => void remove());
  const [image, repository] = [makeImage(t), makeRepository(t)];
  const env = { CAPSTAN_NATS_URL: world.server.url, CAPSTAN_SANDBOX_SCOPE: scope, CAPSTAN_DRAIN_MS: '1000' };
  start(t, 'executor', { ...env, CAPSTAN_GIT_LOCAL: repository });
  start(t, 'verifier', env);

  const plan = JSON.parse(
    readFileSync(join(example, 'plan.json'), 'utf8')
      .replaceAll('/tmp/shop', repository)
      .replaceAll('shop-tools', image),
  ) as Plan;
  await world.submit({ task_id: 'planted', plan });
  const task = await world.ended('planted', 120_000);
  assert.deepEqual(
    Object.values(task.steps).map(({ status, error }) => [status, error?.code]),
    [
      ['succeeded', undefined],
      ['failed', 'too_many_findings'],
      ['skipped', 'dependency_failed'],
    ],
    JSON.stringify(task.steps),
  );
  assert.equal(task.steps['discount']?.error?.message, '2 major findings, at most 1 allowed');
  const { findings } = await world.api<{
    findings: { severity: string; category: string; location: string; rule: string }[];
  }>('finding.list', { task_id: 'planted' });
  assert.deepEqual(
    findings
      .map(({ severity, category, location, rule }) => [severity, category, location, rule])
      .sort((a, b) => (a.join() < b.join() ? -1 : 1)),
    [
      ['major', 'build', 'code/src/total.ts:6:47', 'TS2322'],
      ['major', 'test', 'code/src/total.test.ts:5:1', 'prices are taken as often as there are'],
      ['medium', 'lint', 'code/src/total.ts:7:3', 'eslint(no-debugger)'],
    ],
  );
  assert.match(
    (await capstan(world.server.url, 'findings', 'planted', '--severity', 'major')).out,
    /major +build +code\/src\/total\.ts:6:47 +- +Type 'string'/,
  );

  const mended = JSON.parse(
    JSON.stringify(plan)
      .replace("number = '0'", 'number = 0')
      .replace('\\n  debugger;', '')
      .replace('discount, 1)', 'discount, 0)'),
  ) as Plan;
  await world.submit({ task_id: 'mended', plan: mended });
  const done = await world.ended('mended', 120_000);
  assert.equal(done.status, 'succeeded', JSON.stringify(done.steps));
});
