// The way out of a sandbox, attacked in a network of its own: another engine, addresses that stand for the world, and a record of all that
// arrived at them. What is done there is in egress/main.ts; nothing of it can reach this machine's network, or be reached from it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { skip as noSandbox } from './support.ts';

const cannot = (): string | false => {
  if (noSandbox !== false) return noSandbox;
  if (process.getuid?.() !== 0)
    return 'SKIPPED, the way out of the sandbox is not attacked: only root can make a network of its own';
  if (spawnSync('openssl', ['version']).status !== 0)
    return 'SKIPPED, the way out of the sandbox is not attacked: openssl, which makes a certificate for it, is not here';
  const tried = spawnSync('unshare', ['--mount', '--net', 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  return tried.status === 0
    ? false
    : `SKIPPED, the way out of the sandbox is not attacked: unshare fails here (${tried.stderr ?? tried.error})`;
};

const skip = cannot();
if (skip !== false) process.stderr.write(`\n*** ${skip} ***\n\n`);

test('what a step lists can be reached, by npm, git, curl and Node.js too, and nothing else', {
  skip,
  timeout: 280_000,
}, async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'capstan-egress-'));
  const inside = [
    '--mount',
    '--net',
    '--fork',
    '--kill-child',
    process.execPath,
    '--test',
    '--test-reporter=spec',
    join(import.meta.dirname, 'egress/main.ts'),
  ];
  const child = spawn('unshare', inside, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CAPSTAN_EGRESS_PLACE: place, NODE_TEST_CONTEXT: undefined },
  });
  t.after(() => {
    child.kill('SIGKILL');
    spawnSync('sh', ['-c', `for at in $(grep -o '${place}[^ ]*' /proc/mounts); do umount -l $at; done`]);
    rmSync(place, { recursive: true, force: true });
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise((ended) => child.once('close', ended));
  assert.equal(code, 0, said);
  for (const line of said.split('\n')) if (line.startsWith('✔')) t.diagnostic(line);
});
