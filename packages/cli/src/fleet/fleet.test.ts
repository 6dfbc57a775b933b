// A fleet's containers on a real engine, in the states that containers get into: never started, paused, and ended.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, prepare } from '@capstan/bus';
import { startNatsServer } from '@capstan/bus/testing';
import { clientOf } from '../client.ts';
import type { Say } from '../up/say.ts';
import { newPool } from './pool.ts';
import { runFleet } from './run-fleet.ts';

const image = 'capstan/sandbox';
const made = spawnSync('sh', [join(import.meta.dirname, '../../../../deploy/sandbox-image.sh')], { encoding: 'utf8' });
const skip = made.status === 0 ? false : `no Docker Engine, or no image: ${made.stderr.trim().split('\n').at(-1)}`;

const docker = (...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
};

const opened = (t: TestContext) => {
  const namespace = `fleet${randomBytes(4).toString('hex')}`;
  const options = { image, namespace, queue: 'executor', memoryMb: 64, environment: {}, socket: null };
  const pool = newPool({ ...options, network: 'none' });
  t.after(async () => {
    for (const { container } of await pool.list()) await pool.remove(container);
  });
  const labels = (instance: string) => [
    ...['--label', `capstan.fleet=${namespace}.executor`],
    ...['--label', `capstan.fleet.instance=${instance}`],
  ];
  /** As an executor, which ends when it is told to. */
  const container = (verb: 'create' | 'run', instance: string, ...command: string[]): string =>
    docker(
      verb,
      ...(verb === 'run' ? ['--detach'] : []),
      '--init',
      '--network=none',
      ...labels(instance),
      image,
      ...command,
    );
  const states = async () => (await pool.list()).map(({ id, alive }) => [id, alive]);
  return { options, pool, container, states };
};

test('one that can not be started is removed, and one that never was goes when it is told to, or with time', {
  skip,
}, async (t) => {
  const { options, pool, container, states } = opened(t);
  await assert.rejects(newPool({ ...options, network: 'no-such-network' }).start(), /no-such-network/);
  assert.deepEqual(await states(), []);
  const created = container('create', 'new', 'true');
  assert.deepEqual(await states(), [['new', true]]);
  await pool.drain(created);
  assert.deepEqual(await states(), []);
  container('create', 'old', 'true');
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 120_000 });
  assert.deepEqual(await states(), [['old', false]]);
});

test('one that is paused has not ended: it is kept, and goes when it is told to', { skip }, async (t) => {
  const { pool, container, states } = opened(t);
  const server = await startNatsServer();
  const bus = await connect({ url: server.url });
  t.after(async () => {
    await bus.close();
    await server.stop();
  });
  await prepare(bus);
  const paused = container('run', 'paused', 'sleep', '600');
  docker('pause', paused);
  const fleet = async (leave: boolean, on: (event: string, end: () => void) => void) => {
    const over = new AbortController();
    const remark: Say['remark'] = (event) => on(event, () => over.abort());
    const say = { result: () => on('ready', () => over.abort()), remark } as unknown as Say;
    const rule = { min: 0, max: 2, idleMs: 1_000, fresh: false };
    const client = clientOf(bus, server.url, []);
    await runFleet({
      client,
      pool,
      queue: 'executor',
      rule,
      concurrency: 4,
      say,
      leave,
      signal: over.signal,
    });
  };
  docker('wait', container('run', 'ended', 'true'));
  // One that has ended is removed in the same turn in which the other would be.
  await fleet(true, (event, end) => event === 'removed' && end());
  assert.deepEqual(await states(), [['paused', true]]);
  await fleet(false, (event, end) => event === 'ready' && end());
  assert.deepEqual(await states(), []);
});
