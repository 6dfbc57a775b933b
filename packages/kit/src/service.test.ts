// Processes as a supervisor sees them: how they begin, wait, end, and what a kill loses.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { connect, decodeTrusted, prepare } from '@capstan/bus';
import { startNatsServer } from '@capstan/bus/testing';
import type { Progress } from '@capstan/contracts';
import { newAgentWorld } from './testing.ts';

interface Child {
  readonly process: ChildProcess;
  /** The first line of its log that has this message. */
  said(message: RegExp): Promise<Record<string, unknown>>;
  /** Resolves to how it ended. */
  readonly ended: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  readonly lines: string[];
}

const start = (t: TestContext, env: NodeJS.ProcessEnv): Child => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'agent-process.fixture.ts')], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const said = (message: RegExp) =>
    new Promise<Record<string, unknown>>((found) => {
      const look = () => {
        const line = lines.find((one) => one.startsWith('{') && message.test(String(JSON.parse(one).msg)));
        if (line) found(JSON.parse(line) as Record<string, unknown>);
      };
      waiting.add(look);
      look();
    });
  return { process: child, said, lines, ended: once(child, 'close') as Child['ended'] };
};

test('killed in the middle of the work, it loses nothing: the order is delivered to the next one', async (t) => {
  await using world = await newAgentWorld();
  await world.openQueue('slow', 1_000);
  const first = start(t, { CAPSTAN_NATS_URL: world.server.url });
  const { promise: begun, resolve } = Promise.withResolvers<Progress>();
  world.bus.listen(world.bus.names.progresses, (wire) => resolve(decodeTrusted(wire.data) as Progress));
  const order = await world.order({ queue: 'slow', capability: 'x', heartbeat_ms: 1_000 });
  await begun;
  first.process.kill('SIGKILL');
  await first.ended;
  const second = start(t, { CAPSTAN_NATS_URL: world.server.url, FINISH: '1' });
  const report = await world.report(order);
  assert.deepEqual([report.outcome, report.attempt, report.output], ['succeeded', 1, { pid: second.process.pid }]);
});

test('told to stop, it hands back what it can not finish, and exits with 0', async (t) => {
  await using world = await newAgentWorld();
  const child = start(t, { CAPSTAN_NATS_URL: world.server.url, CAPSTAN_DRAIN_MS: '1100' });
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  world.bus.listen(world.bus.names.progresses, () => resolve());
  const order = await world.order({ queue: 'slow', capability: 'x' });
  await begun;
  child.process.kill('SIGTERM');
  assert.deepEqual(await child.ended, [0, null]);
  start(t, { CAPSTAN_NATS_URL: world.server.url, FINISH: '1' });
  assert.equal((await world.report(order)).outcome, 'succeeded');
});

test('it waits for the server and for the streams, says for what, and is ready only then', async (t) => {
  await using server = await startNatsServer();
  await server.kill();
  const child = start(t, { CAPSTAN_NATS_URL: server.url, CAPSTAN_HEALTH_PORT: '0' });
  const { port } = await child.said(/Serves/);
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
  assert.match(String((await child.said(/^Waiting: No NATS server/)).msg), /Is it running/);
  assert.equal(await ready(), 503);
  await server.start();
  await child.said(/^Waiting: There is no stream CAPSTAN_ORDERS\. The coordinator makes it/);
  assert.equal(await ready(), 503);
  const bus = await connect({ url: server.url });
  await prepare(bus);
  await bus.close();
  await child.said(/^Ready/);
  assert.equal(await ready(), 200);
});

test('a mistake in the configuration ends it with 2 and one line', async (t) => {
  const child = start(t, { CAPSTAN_LOG_LEVEL: 'loud' });
  assert.deepEqual(await child.ended, [2, null]);
  assert.equal(child.lines.length, 1);
  assert.match(
    child.lines[0] as string,
    /^capstan slow: CAPSTAN_LOG_LEVEL: log\.level must be one of trace, .*; it is "loud"\./,
  );
});
