import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { toolchains } from './toolchains.ts';

test('what is there is named, where it usually is or where it was said to be', (t) => {
  const home = mkdtempSync(join(tmpdir(), 'capstan-home-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  assert.deepEqual(toolchains(home, {}), {});
  mkdirSync(join(home, '.rustup'));
  mkdirSync(join(home, 'elsewhere'));
  assert.deepEqual(toolchains(home, { PYENV_ROOT: join(home, 'elsewhere'), VOLTA_HOME: join(home, 'gone') }), {
    RUSTUP_HOME: join(home, '.rustup'),
    PYENV_ROOT: join(home, 'elsewhere'),
  });
});

const here = spawnSync('cargo', ['--version'], { encoding: 'utf8' });
const skip = here.status === 0 ? false : 'SKIPPED, there is no cargo here that could be looked for';
test('cargo is found by a command whose home is another folder', { skip }, (t) => {
  const home = mkdtempSync(join(tmpdir(), 'capstan-home-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const env = { PATH: process.env['PATH'], HOME: home, ...toolchains() };
  const { stdout, stderr } = spawnSync('cargo', ['--version'], { encoding: 'utf8', env });
  assert.equal(stdout, here.stdout, stderr);
});
