// Of which tasks the engine hears: of those that had files, and of no other. The engine is the real one, behind a pipe that reads along.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newLog, newMask } from '@capstan/kit';
import Docker from 'dockerode';
import { missingSandbox, newScope } from '../testing.ts';
import { newEngine } from './engine.ts';
import { newTaskVolumes } from './task-volumes.ts';
import { volumesOf } from './volumes.ts';

const skip: string | false = missingSandbox() ?? false;
const engineSocket = '/var/run/docker.sock';

/** What was asked since it was looked at last, without what is asked to clean up. */
const listening = async (t: TestContext) => {
  let asked: string[] = [];
  const path = join(tmpdir(), `capstan-engine-${randomUUID().slice(0, 8)}.sock`);
  const server = createServer((client) => {
    const engine = connect(engineSocket);
    client.on('data', (chunk: Buffer) => {
      const [line = ''] = chunk.toString('latin1').split(' HTTP/');
      if (/^[A-Z]+ \//.test(line)) asked.push(line.replace(/\?.*/, ''));
    });
    for (const [from, to] of [
      [client, engine],
      [engine, client],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  t.after(() => server.close());
  return {
    path,
    asked: () => {
      const found = asked;
      asked = [];
      return found;
    },
  };
};

const opened = async (t: TestContext) => {
  const { scope, remove } = newScope();
  t.after(remove);
  const installation = `capstan-${scope}`;
  const pipe = await listening(t);
  const make: string[] = [];
  const engine = newEngine(new Docker({ socketPath: pipe.path }));
  const log = newLog({ service: 'test', instance: 'test', level: 'error', mask: newMask(), to: { write: () => {} } });
  const again = (isOpen?: (task: string) => Promise<boolean>) =>
    newTaskVolumes({
      engine,
      owner: { id: 'test', scope: installation },
      keepMs: 60_000,
      mostMb: 100,
      log,
      make: async (volume) => void make.push(volume),
      isOpen,
    });
  const tasks = async () => (await volumesOf(engine, installation)).map(({ task }) => task).toSorted();
  return { ...pipe, volumes: again(), again, make, tasks, engine, installation };
};

test('a task that had no files is forgotten without a word to the engine', { skip }, async (t) => {
  const { volumes, asked } = await opened(t);
  await volumes.forget('first');
  // Only what was there before this process is asked for, once.
  assert.equal(asked().filter((line) => line.startsWith('GET ')).length, 1);
  for (let n = 0; n < 50; n += 1) await volumes.forget(`none-${n}`);
  assert.deepEqual(asked(), []);
});

test('the files of a task go when it is forgotten, once, and not while a step has them', { skip }, async (t) => {
  const { volumes, asked, tasks, make } = await opened(t);
  const [one, two] = await Promise.all([volumes.use('task'), volumes.use('task')]);
  assert.deepEqual([make.length, await tasks()], [1, ['task']]);
  await volumes.forget('task');
  one();
  one();
  await volumes.forget('task');
  assert.deepEqual(await tasks(), ['task'], 'the other step has them still');
  two();
  await volumes.forget('task');
  assert.deepEqual(await tasks(), []);
  assert.equal(asked().filter((line) => line.startsWith('DELETE ')).length, 1);
  await volumes.forget('task');
  assert.deepEqual(asked(), []);
});

test('what another process has left is found, and goes with its task', { skip }, async (t) => {
  const { volumes, again, tasks } = await opened(t);
  (await volumes.use('left'))();
  const next = again();
  await next.forget('other');
  assert.deepEqual(await tasks(), ['left']);
  await next.forget('left');
  assert.deepEqual(await tasks(), []);
});

test('a volume is asked to be held to its size, until the engine says that it can not', { skip }, async (t) => {
  const { volumes, asked, tasks } = await opened(t);
  (await volumes.use('one'))();
  const first = asked().filter((line) => line.startsWith('POST /volumes/create')).length;
  (await volumes.use('two'))();
  const second = asked().filter((line) => line.startsWith('POST /volumes/create')).length;
  assert.deepEqual(await tasks(), ['one', 'two']);
  // Once for each where its volumes lie on XFS with project quotas, and once more where they don't.
  assert.ok(first === 1 || first === 2, String(first));
  assert.equal(second, 1);
});

test('several at once are made, though the engine refuses each of them a size', { skip }, async (t) => {
  const { volumes, tasks } = await opened(t);
  const names = Array.from({ length: 8 }, (_, n) => `task-${n}`);
  for (const release of await Promise.all(names.map((name) => volumes.use(name)))) release();
  assert.deepEqual(await tasks(), names);
});

test('files go by when they were last used, by whatever process, and not while their task goes on', {
  skip,
}, async (t) => {
  const { volumes, again, tasks, engine, installation } = await opened(t);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const releases = await Promise.all(['unused', 'used', 'working', 'open'].map((task) => volumes.use(task)));
  for (const at of [0, 1, 3]) releases[at]?.();
  // Two steps later: what was made long ago was used just now, or is at this moment.
  t.mock.timers.tick(3_700_000);
  (await volumes.use('used'))();
  t.mock.timers.tick(30_000);
  (await volumes.use('used'))();
  await volumes.sweep();
  assert.deepEqual(await tasks(), ['used', 'working'], 'each process keeps what it uses itself');
  await again().sweep();
  assert.deepEqual(await tasks(), ['used', 'working'], 'and another one, or the same started again, knows of it');
  const marks = async () =>
    (await engine.docker.listVolumes()).Volumes.filter(
      ({ Labels, Name }) => Labels?.['capstan.sandbox.scope'] === installation && Name.includes('-used-'),
    );
  assert.equal((await marks()).length, 2);

  (await volumes.use('open'))();
  releases[2]?.();
  t.mock.timers.tick(2 * 3_600_000);
  const asked: string[] = [];
  await again(async (task) => {
    asked.push(task);
    return task === 'open';
  }).sweep();
  assert.deepEqual([await tasks(), asked.toSorted()], [['open'], ['open', 'used', 'working']]);
  await again().sweep();
  assert.deepEqual([await tasks(), await marks()], [[], []]);
});
