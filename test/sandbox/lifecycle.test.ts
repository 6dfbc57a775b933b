// How commands end: in time, when they are told to, and when whoever runs them is killed; and that nothing of them is left then.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Order } from '@capstan/contracts';
import { type AgentWorld, newAgentWorld } from '@capstan/kit/testing';
import { newScope } from '@capstan/sandbox/testing';
import { hold, skip } from './support.ts';

const containers = (scope: string, ...more: string[]): string[] =>
  spawnSync('docker', ['ps', '--all', '--quiet', '--filter', `label=capstan.sandbox.scope=capstan-${scope}`, ...more], {
    encoding: 'utf8',
  })
    .stdout.split('\n')
    .filter(Boolean);

test('a time limit really ends it, also what does not listen', { skip }, async (t) => {
  const { sh } = await hold(t);
  const deaf = await sh('trap "" TERM; (trap "" TERM; sleep 600) & while :; do sleep 1; done', {}, { timeoutMs: 500 });
  assert.deepEqual([deaf.exitCode, deaf.signal, deaf.timedOut], [null, 'SIGKILL', true]);
  const polite = await sh('trap "echo bye; exit 0" TERM; while :; do sleep 0.1; done', {}, { timeoutMs: 1_500 });
  assert.deepEqual([polite.timedOut, polite.stdout], [true, 'bye\n']);
});

test('being cancelled ends it', { skip }, async (t) => {
  const held = await hold(t);
  const abort = new AbortController();
  const opened = await held.workspace({}, abort.signal);
  t.after(() => opened.release());
  const running = opened.run({ argv: ['sh', '-c', 'echo begun; sleep 600'], onOutput: () => abort.abort() });
  assert.equal((await running).exitCode, null);
});

test('what it leaves in the background does not hold it up, and is ended with it', { skip }, async (t) => {
  const { sh } = await hold(t);
  const { stdout, exitCode } = await sh('setsid sleep 600 & echo begun');
  assert.deepEqual([stdout, exitCode], ['begun\n', 0]);
});

test('much output is read to its end without being kept', { skip }, async (t) => {
  const held = await hold(t);
  let bytes = 0;
  const before = process.memoryUsage().rss;
  const { stdout, truncated } = await held.sh(
    'head -c 200000000 /dev/zero | tr "\\0" x; echo end',
    {},
    {
      output: false,
      tailBytes: 100,
      onOutput: (_, chunk) => void (bytes += chunk.length),
    },
  );
  assert.deepEqual([bytes, truncated, stdout.endsWith('xend\n')], [200_000_004, true, true]);
  const grown = (process.memoryUsage().rss - before) / 1e6;
  // Kept it would be 200; what is read waits a while to be collected.
  assert.ok(grown < 150, `memory grew by ${grown.toFixed(0)} MB`);
});

test('fast commands lose neither output nor exit code', { skip }, async (t) => {
  const held = await hold(t);
  const results = await Promise.all(Array.from({ length: 8 }, (_, n) => held.sh(`echo ${n}; exit ${n}`)));
  assert.deepEqual(
    results.map(({ stdout, exitCode }) => [stdout, exitCode]),
    results.map((_, n) => [`${n}\n`, n]),
  );
});

/** Passes bytes on to the engine, and can cut every connection at once. */
const cutter = async (t: TestContext) => {
  const live = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(process.env['DOCKER_HOST']?.replace('unix://', '') ?? '/var/run/docker.sock');
    live.add(near);
    near.on('close', () => live.delete(near));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return {
    host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => live.forEach((one) => one.destroy()),
  };
};

test('a cut connection to the engine is not the end of a command', { skip }, async (t) => {
  const { host, cut } = await cutter(t);
  const before = process.env['DOCKER_HOST'];
  process.env['DOCKER_HOST'] = host;
  const held = await hold(t);
  if (before === undefined) delete process.env['DOCKER_HOST'];
  else process.env['DOCKER_HOST'] = before;
  const opened = await held.workspace();
  t.after(() => opened.release());
  // Once its start is answered, and before anybody is put beside it.
  const result = await opened.run({ argv: ['sh', '-c', 'sleep 0.7; echo begun; sleep 2; exit 6'], onOutput: cut });
  assert.equal(result.exitCode, 6);
});

test('what tells others that a process lives is there again soon, whoever takes it away', { skip }, async (t) => {
  const held = await hold(t);
  const abort = new AbortController();
  const opened = await held.workspace({}, abort.signal);
  t.after(() => opened.release());
  const keeper = ['--filter', 'label=capstan.sandbox=keeper'];
  const scope = `label=capstan.sandbox.scope=capstan-${held.scope}`;
  const begun = Promise.withResolvers<void>();
  const running = opened.run({ argv: ['sh', '-c', 'echo begun; sleep 600'], onOutput: () => begun.resolve() });
  await begun.promise;
  const [before = ''] = containers(held.scope, ...keeper);
  const events = spawn('docker', ['events', '--since', '0s', '--filter', scope, ...keeper, '--filter', 'event=start'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => events.kill());
  spawnSync('docker', ['rm', '--force', before]);
  await once(events.stdout, 'data');
  const [after] = containers(held.scope, ...keeper);
  assert.notEqual(after, before);
  abort.abort();
  assert.equal((await running).exitCode, null);
});

interface Executor {
  readonly process: ChildProcess;
  kill(): Promise<void>;
}

/** A process of its own, which can be killed. */
const startExecutor = async (t: TestContext, world: AgentWorld, scope: string): Promise<Executor> => {
  const main = join(import.meta.dirname, '../../services/executor/src/main.ts');
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      CAPSTAN_NATS_URL: world.server.url,
      CAPSTAN_SANDBOX_SCOPE: scope,
      CAPSTAN_CONCURRENCY: '50',
      CAPSTAN_DRAIN_MS: '1000',
    },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const ended = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(kill);
  return { process: child, kill };
};

const newWorld = async (t: TestContext) => {
  const world = await newAgentWorld();
  const { scope, remove } = newScope();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    remove();
  });
  return { world, scope };
};

/** The first line that a step has printed. */
const firstLine = async (world: AgentWorld, order: Order): Promise<string> => {
  const { names } = world.bus;
  const { data } = await world.first(
    names.streams.logs,
    ({ subject }) => subject === names.log(order.task_id, order.step_id),
  );
  return (JSON.parse(Buffer.from(data).toString()) as { text: string }).text;
};

test('kill -9 of the executor in mid command: the command ends, and the second attempt has the workspace for itself', {
  skip,
}, async (t) => {
  const { world, scope } = await newWorld(t);
  await world.openQueue('executor', 3_000);
  const first = await startExecutor(t, world, scope);
  // Says whether an earlier run of it is still there, and goes on for long the first time.
  const command =
    'if [ -e begun ]; then echo again; sleep 1; echo over; else touch begun; echo first; while :; do date +%s%N >beat; sleep 0.1; done; fi; cat beat; sleep 1; cat beat';
  const order = await world.order({ queue: 'executor', capability: 'shell', input: { command, shell: true } });
  assert.equal(await firstLine(world, order), 'first');
  await first.kill();
  await startExecutor(t, world, scope);
  const report = await world.report(order);
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  const lines = (report.output as { stdout: string }).stdout.trim().split('\n');
  assert.deepEqual(
    [lines[0], lines[1], lines[2] === lines[3]],
    ['again', 'over', true],
    'the first run no longer writes',
  );
  await untilNone(() => containers(scope, '--filter', 'label=capstan.sandbox=command'));
});

test('a command ends in time, though its executor was killed and nobody else is on the engine', { skip }, async (t) => {
  const { world, scope } = await newWorld(t);
  const lost = await startExecutor(t, world, scope);
  const input = { command: 'echo begun; sleep 600', shell: true };
  const order = await world.order({ queue: 'executor', capability: 'shell', input, timeout_ms: 5_000 });
  await firstLine(world, order);
  const [command = ''] = containers(scope, '--filter', 'label=capstan.sandbox=command');
  await lost.kill();
  await once(spawn('docker', ['wait', command], { stdio: 'ignore' }), 'exit');
  assert.deepEqual(containers(scope, '--filter', 'label=capstan.sandbox=command', '--filter', 'status=running'), []);
});

test('50 steps at once finish, and leave nothing behind', { skip }, async (t) => {
  const { world, scope } = await newWorld(t);
  await startExecutor(t, world, scope);
  const orders = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      world.order({
        queue: 'executor',
        capability: 'shell',
        input: { command: ['sh', '-c', `echo ${n} >n; cat n`] },
        deadline: new Date(Date.now() + 200_000).toISOString(),
        timeout_ms: 200_000,
      }),
    ),
  );
  const reports = await Promise.all(orders.map((order) => world.report(order)));
  assert.deepEqual(
    reports.map(({ output }) => (output as { stdout: string }).stdout),
    orders.map((_, n) => `${n}\n`),
  );
  await untilNone(() => containers(scope, '--filter', 'label=capstan.sandbox=command'));
  await untilNone(() => containers(scope, '--filter', 'label=capstan.sandbox=files'));
  for (const { task_id: task } of orders) world.bus.tell(world.bus.names.notice('default', task, 'succeeded'), '{}');
  await untilNone(() =>
    spawnSync('docker', ['volume', 'ls', '--quiet', '--filter', `label=capstan.sandbox.scope=capstan-${scope}`], {
      encoding: 'utf8',
    })
      .stdout.split('\n')
      .filter(Boolean),
  );
});

test('what a killed process has left is removed by the next one on the engine, and what lives is let be', {
  skip,
}, async (t) => {
  const { world, scope } = await newWorld(t);
  const lost = await startExecutor(t, world, scope);
  const order = await world.order({
    queue: 'executor',
    capability: 'shell',
    input: { command: 'echo begun; sleep 600', shell: true },
  });
  await firstLine(world, order);
  const alive = await hold(t);
  const opened = await alive.workspace();
  t.after(() => opened.release());
  let begun = (): void => {};
  const started = new Promise<void>((on) => (begun = on));
  const running = opened.run({
    argv: ['sh', '-c', 'echo begun; while [ ! -e go ]; do sleep 0.2; done; echo unhurt'],
    onOutput: begun,
  });
  await started;
  await lost.kill();
  // Another installation altogether: whoever comes first cleans up after whoever is gone.
  const next = await hold(t);
  assert.equal((await next.sh('true')).exitCode, 0);
  await untilNone(() => containers(scope));
  await opened.write([{ path: 'go', data: '' }]);
  assert.equal((await running).stdout, 'begun\nunhurt\n');
});

/** Looks until there is none, for as long as the test may take. */
const untilNone = async (look: () => string[]): Promise<void> => {
  while (look().length > 0) await new Promise((again) => setTimeout(again, 250));
};
