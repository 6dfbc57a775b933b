import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { withLock } from './lock.mjs';

const folder = mkdtempSync(join(tmpdir(), 'capstan-lock-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('one process at a time', async () => {
  const [lock, counter] = [join(folder, 'counted.lock'), join(folder, 'counter')];
  writeFileSync(counter, '0');
  const program = join(folder, 'count.mjs');
  // Reads, lets the others run, writes: without the lock some additions would be lost.
  writeFileSync(
    program,
    `import { readFileSync, writeFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(new URL('lock.mjs', import.meta.url).href)};
    for (let i = 0; i < 5; i++) await withLock(${JSON.stringify(lock)}, async () => {
      const count = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
      await new Promise(setImmediate);
      writeFileSync(${JSON.stringify(counter)}, String(count + 1));
    });`,
  );
  await Promise.all([1, 2, 3].map(() => promisify(execFile)(process.execPath, [program])));
  assert.equal(readFileSync(counter, 'utf8'), '15');
  assert.equal(existsSync(lock), false);
});

test('calls in one process wait for each other too, and a failure lets the next one in', async () => {
  const lock = join(folder, 'own.lock');
  const first = withLock(lock, () => Promise.reject(new Error('failed inside')));
  const second = withLock(lock, () => 'in');
  await assert.rejects(first, /failed inside/);
  assert.equal(await second, 'in');
});

test('the lock of a dead process is taken over', async () => {
  const lock = join(folder, 'dead.lock');
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  mkdirSync(lock);
  writeFileSync(join(lock, `${pid}.1.${hostname()}`), '');
  assert.equal(await withLock(lock, () => 'in'), 'in');
});

test('a living owner elsewhere is respected, and named when patience ends', async () => {
  const lock = join(folder, 'elsewhere.lock');
  mkdirSync(lock);
  writeFileSync(join(lock, '1.1.another-machine'), '');
  const waits: string[] = [];
  const waiting = withLock(lock, () => 'in', { patienceMs: 150, onWait: (owner) => waits.push(owner) });
  await assert.rejects(waiting, /still locked by 1\.1\.another-machine/);
  assert.deepEqual(waits, ['1.1.another-machine']);
});
