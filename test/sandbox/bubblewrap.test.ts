// Bubblewrap, where the configuration chooses it: what it holds, and that it refuses what it can't.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { hold } from './support.ts';

const found = spawnSync('bwrap', ['--version']);
const skip =
  found.error !== undefined && 'SKIPPED, bubblewrap is not tested: bwrap is not here (apt-get install bubblewrap)';
if (skip !== false) process.stderr.write(`\n*** ${skip} ***\n\n`);

const wrapped = async (t: TestContext) => {
  const held = await hold(t, { CAPSTAN_SANDBOX: 'bubblewrap' });
  t.after(() => rmSync(join(tmpdir(), `capstan-bubblewrap-capstan-${held.scope}`), { recursive: true, force: true }));
  assert.equal(held.sandbox.wrong(), null);
  return held;
};

test('nothing of the machine can be written, seen or reached', { skip }, async (t) => {
  const { sh } = await wrapped(t);
  const { stdout } =
    await sh(`for at in / /usr/bin /etc /sandbox /proc/sys/kernel; do touch $at/x 2>/dev/null && echo "wrote $at"; done
    (echo 0 >/proc/sys/kernel/core_pattern) 2>/dev/null && echo turned; unshare -U true 2>/dev/null && echo users; mount -t tmpfs x /tmp 2>/dev/null && echo mounted
    ls /root /home /var /etc/shadow /run 2>/dev/null; ls /sys /etc/passwd 2>/dev/null; uname -n; id -u; grep -E '^(CapBnd|CapEff|NoNewPrivs)' /proc/self/status | tr -s '\\t ' ' '
    ls /sys/class/net 2>/dev/null; grep -c : /proc/net/dev; ls /proc | grep -c '^[0-9]'; touch mine && echo mine`);
  const lines = stdout.trim().split('\n');
  assert.deepEqual(lines.slice(0, 6), [
    'sandbox',
    '10001',
    'CapEff: 0000000000000000',
    'CapBnd: 0000000000000000',
    'NoNewPrivs: 1',
    '1',
  ]);
  assert.ok(Number(lines[6]) < 10, 'it sees only its own processes');
  assert.equal(lines[7], 'mine');
  assert.notEqual(hostname(), 'sandbox');
});

test('it has a workspace that lasts, and it and all it started end when it is told to', { skip }, async (t) => {
  const { workspace } = await wrapped(t);
  const opened = await workspace();
  t.after(() => opened.release());
  await opened.write([{ path: 'a/b', data: 'kept' }]);
  assert.equal((await opened.run({ argv: ['cat', 'a/b'] })).stdout, 'kept');
  assert.equal((await opened.read('a/b'))?.toString(), 'kept');
  await opened.run({ argv: ['ln', '-s', '/etc/hostname', 'leaf'] });
  assert.equal(await opened.read('leaf'), null);
  assert.deepEqual(
    (await opened.collect(['a', 'leaf'])).map(({ name }) => name),
    ['a/b'],
  );
  const file = await opened.aside('given.json', '{}');
  assert.equal((await opened.run({ argv: ['cat', file] })).stdout, '{}');
  const slow = await opened.run({ argv: ['sh', '-c', 'trap "" TERM; setsid sleep 600 & sleep 600'], timeoutMs: 300 });
  assert.deepEqual([slow.timedOut, slow.exitCode], [true, null]);
});

test('what it cannot hold is refused, not passed over', { skip }, async (t) => {
  const { sh } = await wrapped(t);
  for (const sandbox of [{ memory_mb: 64 }, { cpu: 1 }, { pids: 10 }, { image: 'x' }, { egress: ['api.test:443'] }])
    await assert.rejects(sh('true', { sandbox }), /which bubblewrap cannot give here/);
});

test('its environment is in no list of processes', { skip }, async (t) => {
  const { workspace } = await wrapped(t);
  const stop = new AbortController();
  const opened = await workspace({}, stop.signal);
  t.after(() => opened.release());
  const { promise: begun, resolve } = Promise.withResolvers<string>();
  const running = opened.run({
    argv: ['sh', '-c', 'echo "$KEY"; exec sleep 600'],
    env: { KEY: 'canary-environment' },
    onOutput: (_, chunk) => resolve(Buffer.from(chunk).toString()),
  });
  assert.equal(await begun, 'canary-environment\n');
  const lines = spawnSync('sh', ['-c', 'cat /proc/[0-9]*/cmdline'], { encoding: 'utf8' }).stdout;
  stop.abort();
  await running;
  assert.deepEqual([lines.includes('bwrap'), lines.includes('canary-environment')], [true, false]);
});
