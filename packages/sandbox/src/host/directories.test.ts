import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newDirectories } from './directories.ts';

const folder = (t: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'capstan-workspace-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

test('steps of a task share a directory, other tasks and other processes have their own, and in the end it is gone', async () => {
  const [mine, others] = [newDirectories('test'), newDirectories('test')];
  const [one, again, other] = [await mine.use('one'), await mine.use('one'), await mine.use('other')];
  assert.equal(one.path, again.path);
  assert.notEqual(one.path, other.path);
  assert.notEqual(one.path, (await others.use('one')).path);
  one.release();
  await mine.end();
  assert.equal(existsSync(one.path), false);
  await others.end();
});

test('in a place that is configured, processes share them and leave them', async (t) => {
  const root = join(folder(t), 'workspaces');
  const [mine, others] = [newDirectories('a', root), newDirectories('b', root)];
  const { path } = await mine.use('one');
  assert.equal((await others.use('one')).path, path);
  await mine.end();
  await others.end();
  assert.equal(existsSync(path), true);
});

test('what a killed process left behind is taken away, what a living one has is not', async (t) => {
  process.env['TMPDIR'] = folder(t);
  t.after(() => delete process.env['TMPDIR']);
  const [dead, alive] = [join(tmpdir(), 'capstan-test-4194304-x'), join(tmpdir(), `capstan-test-${process.ppid}-x`)];
  for (const path of [dead, alive]) mkdirSync(path);
  const workspaces = newDirectories('test');
  await workspaces.use('one');
  assert.deepEqual([existsSync(dead), existsSync(alive)], [false, true]);
  await workspaces.end();
});

test('a directory unused for a day goes, one in use stays', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: Date.now() });
  const workspaces = newDirectories('test', folder(t));
  const [used, unused] = [await workspaces.use('used'), await workspaces.use('unused')];
  unused.release();
  t.mock.timers.tick(25 * 3_600_000);
  const startedAt = performance.now();
  while (existsSync(unused.path)) {
    assert.ok(performance.now() - startedAt < 5_000);
    await new Promise((next) => setTimeout(next, 5));
  }
  assert.equal(existsSync(used.path), true);
  await workspaces.end();
});
