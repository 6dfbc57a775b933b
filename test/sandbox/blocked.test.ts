// A machine without a Docker Engine: what needs one is blocked with a sentence that says so, and goes on by itself when there is one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AgentRecord } from '@capstan/contracts';
import { newScope } from '@capstan/sandbox/testing';
import { startWorld } from '../integration/support/world.ts';
import { skip } from './support.ts';

const engineSocket = process.env['DOCKER_HOST']?.replace('unix://', '') ?? '/var/run/docker.sock';

/** A door to the real engine, which can be opened and shut. */
const newDoor = (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-door-'));
  const path = join(folder, 'engine.sock');
  const live = new Set<() => void>();
  const server = createServer((near) => {
    const far = connect(engineSocket);
    const end = () => {
      near.destroy();
      far.destroy();
      live.delete(end);
    };
    live.add(end);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', end);
      one.on('close', end);
      one.pipe(other);
    }
  });
  const shut = async () => {
    for (const end of live) end();
    if (server.listening) await new Promise((closed) => server.close(closed));
  };
  t.after(async () => {
    await shut();
    rmSync(folder, { recursive: true, force: true });
  });
  return { host: `unix://${path}`, open: () => once(server.listen(path), 'listening'), shut };
};

const startExecutor = (t: TestContext, url: string, scope: string, host: string): void => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../services/executor/src/main.ts')], {
    env: {
      ...process.env,
      CAPSTAN_NATS_URL: url,
      CAPSTAN_SANDBOX_SCOPE: scope,
      DOCKER_HOST: host,
      CAPSTAN_DRAIN_MS: '100',
    },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
};

const shell = { id: 'say', capability: 'shell', input: { command: ['echo', 'hello'] } };

test('without an engine a step is blocked with what to do, and goes on when an engine comes; also where it went away in between', {
  skip,
}, async (t) => {
  await using world = await startWorld();
  const { scope, remove } = newScope();
  t.after(() => remove());
  const door = newDoor(t);
  await world.coordinator();
  startExecutor(t, world.server.url, scope, door.host);

  // What is said of a blocked step is what was known when it came.
  const agents = async () => (await world.api<{ agents: AgentRecord[] }>('agent.list', {})).agents;
  while (!(await agents()).some(({ missing }) => /no Docker Engine answers/.test(missing?.['shell'] ?? '')))
    await world.changeOr(250);
  await world.submit({ task_id: 'early', plan: { steps: [shell] } });
  const blocked = await world.until('early', 'blocked', ({ status }) => status === 'blocked', 30_000);
  const says =
    /no live agent offers "shell" just now\. executor\.\w+ says: .*no Docker Engine answers.*deploy\/docker-engine\.sh/;
  await world.until(
    'early',
    'the sentence of the executor',
    ({ steps }) => says.test(steps['say']?.waiting_for ?? ''),
    30_000,
  );
  assert.equal(blocked.steps['say']?.status, 'blocked');
  await door.open();
  assert.equal((await world.ended('early', 60_000)).status, 'succeeded');

  // Its queue is known when it is submitted, and then there is no engine: no try of the one that it has is used up by that.
  await world.submit({ task_id: 'late', start: false, plan: { steps: [{ ...shell, retry: { max_attempts: 1 } }] } });
  await door.shut();
  await world.api('task.resume', { task_id: 'late' }).catch(() => world.api('task.execute', { task_id: 'late' }));
  await world.until('late', 'blocked', ({ steps }) => steps['say']?.status === 'blocked', 60_000);
  await door.open();
  assert.equal((await world.ended('late', 60_000)).status, 'succeeded');
});
