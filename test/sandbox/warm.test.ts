// Containers that stand ready: each serves one command, and what holds in a fresh one holds in them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { type Held, hold, skip } from './support.ts';

/** A workspace in which a container stands ready. */
const warmed = async (t: TestContext, sandbox = {}) => {
  const held = await hold(t, { CAPSTAN_SANDBOX_WARM: '2' });
  const opened = await held.workspace({ sandbox });
  t.after(() => opened.release());
  await opened.run({ argv: ['true'] });
  await standing(held, 1);
  return { held, opened };
};

/** Resolves once so many stand ready. */
const standing = async ({ scope }: Held, count: number): Promise<string[]> => {
  const filters = [
    '--filter',
    `label=capstan.sandbox.scope=capstan-${scope}`,
    '--filter',
    'label=capstan.sandbox=warm',
  ];
  for (;;) {
    const { stdout } = spawnSync('docker', ['ps', '--quiet', '--no-trunc', '--filter', 'status=running', ...filters], {
      encoding: 'utf8',
    });
    const found = stdout.split('\n').filter(Boolean);
    if (found.length === count) return found;
    await new Promise((again) => setTimeout(again, 50));
  }
};

test('a command in one has its input, environment, folder, output and exit code, and no rights', {
  skip,
}, async (t) => {
  const { held, opened } = await warmed(t);
  const [first] = await standing(held, 1);
  await opened.write([{ path: 'a/b', data: 'kept' }]);
  const line =
    'cat; pwd; cat b; echo " $MINE $CAPSTAN_STEP_ID"; id -u; grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status | tr -s "\\t " " "; echo e >&2; exit 3';
  const result = await opened.run({ argv: ['sh', '-c', line], cwd: 'a', stdin: 'in\n', env: { MINE: 'm' } });
  assert.deepEqual(
    [result.exitCode, result.stdout.split('\n'), result.stderr],
    [
      3,
      [
        'in',
        '/sandbox/workspace/a',
        'kept m step',
        '10001',
        'CapEff: 0000000000000000',
        'NoNewPrivs: 1',
        'Seccomp: 2',
        '',
      ],
      'e\n',
    ],
  );
  // It has served, and another stands in its place.
  while ((await standing(held, 1))[0] === first) await new Promise((again) => setTimeout(again, 50));
});

test('its limits hold: time, memory, and what it leaves behind', { skip }, async (t) => {
  const { held, opened } = await warmed(t, { memory_mb: 64 });
  const deaf = await opened.run({
    argv: ['sh', '-c', 'trap "" TERM; setsid sleep 600 & while :; do sleep 1; done'],
    timeoutMs: 300,
  });
  assert.deepEqual([deaf.timedOut, deaf.exitCode], [true, null]);
  await standing(held, 1);
  const greedy = await opened.run({
    argv: ['node', '-e', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 23, 1))'],
  });
  assert.equal(greedy.outOfMemory, true);
  await standing(held, 1);
  const background = await opened.run({ argv: ['sh', '-c', 'setsid sleep 600 & echo begun'] });
  assert.deepEqual([background.exitCode, background.stdout], [0, 'begun\n']);
  await standing(held, 1);
  await assert.rejects(opened.run({ argv: ['no-such-program'] }), /is not in the image/);
});

test('one that was taken away is no obstacle, and none outlives its task', { skip }, async (t) => {
  const { held, opened } = await warmed(t);
  const [id = ''] = await standing(held, 1);
  spawnSync('docker', ['rm', '--force', id]);
  assert.equal((await opened.run({ argv: ['echo', 'cold'] })).stdout, 'cold\n');
  await standing(held, 1);
  opened.release();
  held.sandbox.taskEnded('task-1', 'succeeded');
  await standing(held, 0);
});
