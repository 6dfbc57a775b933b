// git outside the sandbox ends with its executor however that ends, and takes no more room than it is given.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newAgentWorld } from '@capstan/kit/testing';
import { newExecutor } from '../executor.ts';
import { watchSize } from './watch-size.ts';

const fixture = async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-outside-'));
  const world = await newAgentWorld();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const place = join(folder, 'tmp');
  mkdirSync(place);
  return { folder, place, world };
};

/** Begins to answer a clone, and never goes on. */
const stalling = async (t: TestContext) => {
  const { promise: asked, resolve } = Promise.withResolvers<Socket>();
  const server = createServer(({ socket }, response) => {
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
    response.write('001e# service=git-upload-pack\n');
    resolve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { asked, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
};

test('kill -9 of the executor in a clone ends git, and its folder goes with the next start', async (t) => {
  const { place, world } = await fixture(t);
  const { asked, host } = await stalling(t);
  await world.openQueue('executor', 600_000);
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
    env: {
      ...process.env,
      TMPDIR: place,
      CAPSTAN_NATS_URL: world.server.url,
      CAPSTAN_UNSAFE_HOST_SHELL: '1',
      CAPSTAN_HTTP_ALLOW: host,
    },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  const input = { action: 'clone', repository: `http://${host}/x.git`, path: 'code' };
  await world.order({ queue: 'executor', capability: 'git', input });
  const socket = await asked;
  const left = () => readdirSync(place).filter((name) => name.startsWith('capstan-git-'));
  assert.equal(left().length, 1);
  // What asks has gone when its connection has.
  const gone = once(socket, 'close');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await gone;
  process.env['TMPDIR'] = place;
  t.after(() => delete process.env['TMPDIR']);
  await world.start(newExecutor(), { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  assert.deepEqual(left(), []);
});

test('a repository that is too large is said to be, and nothing of it stays', async (t) => {
  const { folder, place, world } = await fixture(t);
  const own = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder, stdio: 'pipe' });
  own('init', '-q', 'team');
  writeFileSync(join(folder, 'team/a.bin'), randomBytes(3_000_000));
  own('-C', 'team', 'add', '.');
  own('-C', 'team', 'commit', '-qm', 'first');
  process.env['TMPDIR'] = place;
  t.after(() => delete process.env['TMPDIR']);
  const env = { CAPSTAN_UNSAFE_HOST_SHELL: '1', CAPSTAN_GIT_LOCAL: `${folder}/*` };
  const clone = async (step_id: string) => {
    const input = { action: 'clone', repository: `${folder}/team/.git`, path: 'code' };
    return world.report(await world.order({ queue: 'executor', capability: 'git', input, task_id: 't', step_id }));
  };
  const small = await world.start(newExecutor(), { ...env, CAPSTAN_GIT_CLONE_MB: '1' });
  const { error } = await clone('one');
  assert.deepEqual([error?.code, error?.retryable], ['git_too_large', false]);
  assert.match(error?.message ?? '', /more than 1 MB\. executor\.git\.clone_mb/);
  assert.deepEqual(
    readdirSync(place).filter((name) => name.startsWith('capstan-git-')),
    [],
  );
  await small.drain(0);
  await world.start(newExecutor(), env);
  const large = await clone('two');
  assert.equal(large.outcome, 'succeeded', large.error?.message);
});

test('that a folder is too large is noticed while it grows', async (t) => {
  const { place } = await fixture(t);
  mkdirSync(join(place, 'a'));
  const { promise: over, resolve } = Promise.withResolvers<void>();
  t.after(watchSize(place, 1_000, resolve));
  for (const name of ['one', 'a/two']) writeFileSync(join(place, name), 'x'.repeat(600));
  await over;
});
