import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CommandError, exits } from '../exit.ts';
import { identityOf, isSame, untilGone } from './identity.ts';
import { takeLock } from './lock.ts';

const folder = (t: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'capstan-lock-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

test('a second one on the same data says so, and where the first is', async (t) => {
  const data = folder(t);
  const lock = await takeLock(data);
  assert.equal(lock.tookOver, false);
  lock.note('nats://127.0.0.1:4222');
  await assert.rejects(takeLock(data), (error) => {
    assert.ok(error instanceof CommandError);
    assert.equal(error.exit, exits.usage);
    assert.equal(
      error.message,
      `Capstan runs already on ${data} (process ${process.pid}, with NATS on nats://127.0.0.1:4222).`,
    );
    return true;
  });
  lock.release();
  (await takeLock(data)).release();
  assert.deepEqual(readdirSync(data), []);
});

test('a lock whose process is gone, is another one by now, or is unreadable is taken over', async (t) => {
  const data = folder(t);
  const path = join(data, 'supervisor.json');
  for (const left of [
    { pid: 2 ** 22 + 1, identity: 'x' },
    { pid: process.pid, identity: 'an earlier process of this number' },
  ]) {
    writeFileSync(path, JSON.stringify(left));
    const lock = await takeLock(data);
    assert.equal(lock.tookOver, true);
    lock.release();
  }
  writeFileSync(path, '{"pid":1');
  const lock = await takeLock(data);
  assert.equal((JSON.parse(readFileSync(path, 'utf8')) as { pid: number }).pid, process.pid);
  lock.release();
});

test('of many that find a stale lock, one takes it', async (t) => {
  const data = folder(t);
  writeFileSync(join(data, 'supervisor.json'), JSON.stringify({ pid: 2 ** 22 + 1, identity: 'x' }));
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => takeLock(data)));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a taker that was killed in the act holds up nobody for long', async (t) => {
  const data = folder(t);
  writeFileSync(join(data, 'supervisor.json.taking'), '');
  (await takeLock(data)).release();
});

test('a process is told from another of the same number', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const { pid } = child as { pid: number };
  const identity = identityOf(pid) as string;
  assert.ok(identity);
  assert.equal(isSame({ pid, identity }), true);
  assert.equal(isSame({ pid, identity: `${identity}0` }), false);
  assert.equal(await untilGone([{ pid, identity }], 50), false);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  assert.equal(await untilGone([{ pid, identity }], 5_000), true);
  await exited;
  assert.equal(identityOf(pid), null);
});
