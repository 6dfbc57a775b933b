import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { rememberingTerminal } from '../testing.ts';
import { type Keeping, keepRunning } from './child.ts';
import { identityOf, isSame } from './identity.ts';
import { endLeftovers, openRegister } from './leftovers.ts';
import { openLogFile } from './log-file.ts';
import { sayOn } from './say.ts';

const live = 'setInterval(() => {}, 1000); process.on("disconnect", () => {});';

/** Says so once it no longer listens to SIGTERM. */
const deaf = `process.on('SIGTERM', () => {}); process.stdout.write('deaf\\n'); ${live}`;

const fixture = (t: TestContext, script: string, more: Partial<Keeping> = {}) => {
  const data = mkdtempSync(join(tmpdir(), 'capstan-child-'));
  const terminal = rememberingTerminal();
  const { promise: said, resolve: hearSaid } = Promise.withResolvers<void>();
  const pids: number[] = [];
  let heardStart = () => {};
  const child = keepRunning({
    name: 'one',
    group: false,
    start: () => {
      const started = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
      pids.push(started.pid as number);
      heardStart();
      return started;
    },
    log: openLogFile(join(data, 'one.log')),
    register: openRegister(data),
    say: sayOn(
      {
        ...terminal,
        remark: (line) => {
          terminal.remark(line);
          hearSaid();
        },
      },
      false,
    ),
    isQuiet: () => false,
    ...more,
  });
  t.after(async () => {
    child.kill();
    await child.stop(1_000);
    rmSync(data, { recursive: true, force: true });
  });
  const started = (count: number): Promise<void> =>
    pids.length >= count
      ? Promise.resolve()
      : new Promise((resolve) => (heardStart = () => pids.length >= count && resolve()));
  return { data, terminal, pids, child, started, said };
};

test('what dies is started again, later each time, and that is said', async (t) => {
  const { terminal, pids, child, started } = fixture(t, live);
  process.kill(pids[0] as number, 'SIGKILL');
  await started(2);
  process.kill(pids[1] as number, 'SIGKILL');
  await started(3);
  assert.deepEqual(terminal.err, [
    'one was ended by SIGKILL; starting it again in 0.2 s.',
    'one was ended by SIGKILL; starting it again in 0.4 s.',
  ]);
  assert.equal(new Set(pids).size, 3);
  assert.equal(await child.stop(5_000), true);
});

test('what is told to stop is not started again, and killed where it does not listen', async (t) => {
  const { pids, child, said } = fixture(t, deaf);
  await said;
  assert.equal(await child.stop(50), false);
  assert.equal(identityOf(pids[0] as number), null);
  assert.equal(pids.length, 1);
});

test('its lines go to the log; warnings to the terminal too, unless everything is only just starting', async (t) => {
  const script =
    'console.error(JSON.stringify({ level: "warn", msg: "waits" })); console.error(JSON.stringify({ level: "error", msg: "broke" })); process.exit(3)';
  const { data, terminal, started } = fixture(t, script, { isQuiet: () => true });
  await started(2);
  assert.deepEqual(terminal.err, ['one: broke', 'one ended with 3; starting it again in 0.2 s.']);
  assert.match(readFileSync(join(data, 'one.log'), 'utf8'), /"waits"/);
});

test('it may be decided that it is not started again, by its last words', async (t) => {
  const over = Promise.withResolvers<string>();
  const { child } = fixture(t, 'console.error("capstan one: port must be a number."); process.exit(2)', {
    onEnd: ({ code, last }) => {
      child.kill();
      over.resolve(`${code} ${last}`);
    },
  });
  assert.equal(await over.promise, '2 port must be a number.');
});

test('what a killed supervisor left is ended by the next, and nothing else is', async (t) => {
  const { data, pids, child, said } = fixture(t, deaf);
  await said;
  const other = spawn(process.execPath, ['-e', live]);
  t.after(() => other.kill('SIGKILL'));
  const written = { pid: other.pid as number, identity: identityOf(other.pid as number) as string };
  openRegister(data).clear();
  const register = openRegister(data);
  register.add('one', pids[0] as number, false);
  const left = JSON.parse(readFileSync(join(data, 'children.json'), 'utf8')) as { children: object[] };
  // A number that was given to another process since then.
  writeFileSync(
    join(data, 'children.json'),
    JSON.stringify({
      children: [...left.children, { name: 'gone', pid: other.pid, identity: 'before', group: false }],
    }),
  );
  const stopped = child.stop(60_000);
  assert.deepEqual(await endLeftovers(data), ['one']);
  await stopped;
  assert.equal(isSame(written), true);
});
