// On this host, and in a container where an engine is: links, paths and diffs that lead out of the workspace lead nowhere.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { missingSandbox, newScope } from '@capstan/sandbox/testing';
import { newExecutor } from '../executor.ts';

type Run = (capability: string, input: Record<string, unknown>) => Promise<Report>;

const fixture = async (t: TestContext, env: NodeJS.ProcessEnv): Promise<Run> => {
  const world = await newAgentWorld();
  t.after(() => world[Symbol.asyncDispose]());
  await world.start(newExecutor(), env);
  let step = 0;
  return async (capability, input) =>
    world.report(
      await world.order({
        queue: 'executor',
        capability,
        input: input as Record<string, Json>,
        task_id: 'one',
        step_id: `s${++step}`,
      }),
    );
};

const outputOf = (report: Report): Record<string, unknown> => {
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  return report.output as Record<string, unknown>;
};

const diff = `diff --git a/src/a.txt b/src/a.txt
--- a/src/a.txt
+++ b/src/a.txt
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
diff --git a/src/b.txt b/src/b.txt
new file mode 100644
--- /dev/null
+++ b/src/b.txt
@@ -0,0 +1 @@
+new
diff --git a/src/c.txt b/src/c.txt
deleted file mode 100644
--- a/src/c.txt
+++ /dev/null
@@ -1 +0,0 @@
-gone
`;

const lifeOfFiles = async (run: Run) => {
  const text = async (path: string) => outputOf(await run('files', { action: 'read', path }))['content'];
  outputOf(
    await run('files', {
      action: 'write',
      files: [
        { path: 'src/a.txt', content: 'one\ntwo\nthree\n' },
        { path: 'src/c.txt', content: 'gone\n' },
        { path: 'run', base64: Buffer.from('#!/bin/sh\necho ran\n').toString('base64'), executable: true },
      ],
    }),
  );
  assert.equal(outputOf(await run('shell', { command: ['./run'] }))['stdout'], 'ran\n');
  const { changed } = outputOf(await run('files', { action: 'patch', patch: diff }));
  assert.deepEqual(changed, [
    { path: 'src/a.txt', change: 'written', size: 14 },
    { path: 'src/b.txt', change: 'written', size: 4 },
    { path: 'src/c.txt', change: 'removed', size: 0 },
  ]);
  assert.deepEqual([await text('src/a.txt'), await text('src/b.txt')], ['one\nTWO\nthree\n', 'new\n']);
  assert.equal((await run('files', { action: 'read', path: 'src/c.txt' })).error?.code, 'file_missing');
  await run('files', { action: 'edit', path: 'src/a.txt', edits: [{ find: 'TWO', replace: '$& 2' }] });
  assert.equal(await text('src/a.txt'), 'one\n$& 2\nthree\n');
};

const attacks = async (run: Run, canary: string) => {
  const secret = join(canary, 'secret');
  await run('shell', { command: ['ln', '-s', secret, 'leaf'] });
  await run('shell', { command: ['ln', '-s', canary, 'folder'] });
  const patch = (name: string) => `--- a/${name}\n+++ b/${name}\n@@ -1 +1 @@\n-canary\n+taken\n`;
  for (const input of [
    { action: 'read', path: 'leaf' },
    { action: 'read', path: 'folder/secret' },
    { action: 'read', path: '../../../../../../etc/hostname' },
    { action: 'read', path: '/etc/hostname' },
    { action: 'edit', path: 'folder/secret', edits: [{ find: 'canary', replace: 'taken' }] },
    { action: 'patch', patch: patch('folder/secret') },
    { action: 'patch', patch: patch('../secret') },
  ]) {
    const report = await run('files', input);
    assert.equal(report.outcome, 'failed', JSON.stringify(input));
    assert.doesNotMatch(JSON.stringify(report), /canary\\n|canary"/);
  }
  for (const path of ['folder/made', '../made', 'leaf'])
    await run('files', { action: 'write', files: [{ path, content: 'taken' }] });
  assert.equal(readFileSync(secret, 'utf8'), 'canary\n');
  assert.throws(() => readFileSync(join(canary, 'made')));
};

const canaryFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-files-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'secret'), 'canary\n');
  return folder;
};

test('on the host: written, run, patched, edited, read; and no way out', async (t) => {
  const run = await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  await lifeOfFiles(run);
  await attacks(run, canaryFolder(t));
});

const skip = missingSandbox() ?? false;
test('in a container: written, run, patched, edited, read; and no way out', { skip }, async (t) => {
  const { scope, remove } = newScope();
  const folder = canaryFolder(t);
  const run = await fixture(t, { CAPSTAN_SANDBOX_SCOPE: scope });
  t.after(remove);
  await lifeOfFiles(run);
  await attacks(run, folder);
});

test('what does not fit changes nothing, and it is said where', async (t) => {
  const run = await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  const files = [{ path: 'a', content: 'x\ny\nx\n' }];
  await run('files', { action: 'write', files });
  const message = async (input: object) => (await run('files', input as never)).error?.message;
  const edits = (find: string) => ({
    action: 'edit',
    path: 'a',
    edits: [
      { find: 'y', replace: 'z' },
      { find, replace: '' },
    ],
  });
  assert.match((await message(edits('x'))) ?? '', /^edits\.1\.find: is 2 times in "a"\. Say more/);
  assert.match((await message(edits('q'))) ?? '', /^edits\.1\.find: is not in "a"/);
  const patch = '--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+X\n--- a/a\n+++ b/a\n@@ -2 +2 @@\n-n\n+m\n';
  assert.match((await message({ action: 'patch', patch })) ?? '', /^patch: the hunk at line 2 of "a" does not fit/);
  assert.match((await message({ action: 'patch', patch: 'hello' })) ?? '', /^patch: it is no unified diff/);
  assert.match((await message({ action: 'reed', path: 'a' })) ?? '', /^action: /);
  assert.match((await message({ action: 'read', path: 'a', max_byte: 1 })) ?? '', /did you mean max_bytes\?/);
  assert.equal(outputOf(await run('files', { action: 'read', path: 'a' }))['content'], 'x\ny\nx\n');
});
