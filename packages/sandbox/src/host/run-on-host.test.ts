import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { newMask, Stopped } from '@capstan/kit';
import { newCapture } from '../capture.ts';
import type { Command } from '../sandbox.ts';
import { type HostCommand, runOnHost } from './run-on-host.ts';

type More = Partial<Omit<HostCommand, 'argv' | 'capture'>> &
  Pick<Command, 'tailBytes' | 'onOutput'> & { masked?: (text: string) => string };

const run = (
  argv: [string, ...string[]],
  { tailBytes = 1_000, onOutput, masked = (text) => text, ...more }: More = {},
) =>
  runOnHost({
    argv,
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '' },
    signal: new AbortController().signal,
    capture: newCapture({ argv, tailBytes, onOutput }, { output: () => {}, masked }),
    ...more,
  });

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

const untilGone = async (pid: number): Promise<void> => {
  for (const deadline = Date.now() + 5_000; !isGone(pid); await new Promise((next) => setTimeout(next, 10))) {
    assert.ok(Date.now() < deadline, `${pid} still lives`);
  }
};

test('arguments reach the program as they are, and any exit code is a result', async () => {
  const result = await run([
    'node',
    '-e',
    'console.log(process.argv[1]); console.error("e"); process.exit(3)',
    '$(id) ; `x` "',
  ]);
  assert.deepEqual(
    [result.exitCode, result.stdout, result.stderr, result.truncated],
    [3, '$(id) ; `x` "\n', 'e\n', false],
  );
});

test('its environment is what it is given, and nothing of ours', async () => {
  process.env['OURS_ALONE'] = 'secret';
  const result = await run(['node', '-e', 'console.log(process.env.OURS_ALONE, process.env.GIVEN)'], {
    env: { PATH: process.env['PATH'] ?? '', GIVEN: '1' },
  });
  assert.equal(result.stdout, 'undefined 1\n');
});

test('only the end of much output is kept, whole letters of it', async () => {
  let seen = 0;
  const result = await run(['node', '-e', 'process.stdout.write("ö".repeat(300000) + "x")'], {
    tailBytes: 10,
    onOutput: (_, chunk) => (seen += chunk.length),
  });
  assert.deepEqual([result.stdout, result.truncated, seen], ['ööööx', true, 600_001]);
});

test('a secret is masked before the end is cut off, so no half of it is left', async () => {
  const mask = newMask();
  mask.add('canary-0123456789');
  const script = 'process.stdout.write("canary-0123456789" + "x".repeat(5))';
  assert.equal((await run(['node', '-e', script], { tailBytes: 12, masked: mask.text })).stdout, 'masked]xxxxx');
});

test('a program that is not there is said, and not worth another try', async () => {
  const error = await run(['no-such-program-here']).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Stopped);
  assert.deepEqual([error.outcome.code, error.outcome.retryable], ['command_not_found', false]);
});

test('told to stop, it ends with all that it has started, also what ignores being asked', async () => {
  const abort = new AbortController();
  const pids: number[] = [];
  const { promise: started, resolve } = Promise.withResolvers<void>();
  const onOutput = (_: string, chunk: Uint8Array) => {
    pids.push(...Buffer.from(chunk).toString().trim().split('\n').map(Number));
    if (pids.length === 2) resolve();
  };
  const running = run(
    ['sh', '-c', 'trap "" TERM; echo $$; sh -c \'trap "" TERM; echo $$; while :; do sleep 1; done\'; wait'],
    { signal: abort.signal, onOutput },
  );
  await started;
  abort.abort();
  assert.equal((await running).signal, 'SIGKILL');
  for (const pid of pids) await untilGone(pid);
});

test('killed itself, it leaves nothing running that it has started', async () => {
  const host = JSON.stringify(new URL('./run-on-host.ts', import.meta.url).href);
  const command = `(echo $$; sleep 600 & echo $!; wait)`;
  const script = `
    import { runOnHost } from ${host};
    const run = (argv) => runOnHost({ argv, cwd: '/', env: process.env, signal: new AbortController().signal,
      capture: { push: (_, chunk) => process.stdout.write(chunk), result: () => ({}) } });
    await run(['true']);
    await run(['sh', '-c', ${JSON.stringify(command)}]);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) if (pids.push(Number(line)) === 2) break;
  child.kill('SIGKILL');
  for (const pid of pids) await untilGone(pid);
});

test('at its own time limit it ends, and the result says why', async () => {
  const result = await run(['sleep', '60'], { timeoutMs: 30 });
  assert.deepEqual([result.exitCode, result.signal, result.timedOut], [null, 'SIGTERM', true]);
});

test('what it leaves in the background does not hold it up, and is ended too', async () => {
  const result = await run(['sh', '-c', 'sleep 60 & echo $!']);
  assert.equal(result.exitCode, 0);
  await untilGone(Number(result.stdout));
});
