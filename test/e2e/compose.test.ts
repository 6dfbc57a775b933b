// The whole of it in containers, by deploy/ alone: built, started, used, scaled, hurt, and taken down without a trace.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Bus, connect, decodeTrusted, type Message } from '@capstan/bus';
import { type AgentRecord, isEnded, type TaskRecord } from '@capstan/contracts';
import { findEngine, list, logs, run } from './docker.ts';
import { type Installation, install } from './installation.ts';

const engine = findEngine();
const skip = 'missing' in engine && `SKIPPED, the images and deploy/compose.yaml are untested here: ${engine.missing}`;
if (skip) process.stderr.write(`\n*** ${skip} ***\n\n`);

test('deploy/ builds, starts, scales and heals an installation, and takes it down', {
  skip,
  timeout: 400_000,
}, async (t) => {
  await using installation = await install(engine, (message) => t.diagnostic(message));
  const bus = await connect({ url: installation.url, waitMs: 20_000 });
  t.after(() => bus.close());
  // One after the other: each needs what the one before has left, so that after a failure the rest would only wait.
  let failed = false;
  const step = (name: string, run: (t: TestContext) => Promise<void>) =>
    t.test(name, { timeout: 120_000, skip: failed && 'an earlier step failed' }, async (t) => {
      failed = true;
      await run(t);
      failed = false;
    });

  let first: TaskRecord | undefined;
  await step('a task from the host goes through', async () => {
    const plan = {
      steps: [
        { id: 'say', capability: 'echo', input: { hello: 'containers' } },
        { id: 'rest', capability: 'noop', depends_on: ['say'] },
      ],
    };
    await submit(bus, { task_id: 'first', title: 'Say hello', plan });
    [first] = await ended(bus, ['first']);
    assert.deepEqual([first?.status, first?.steps['say']?.output], ['succeeded', { hello: 'containers' }]);
  });

  await step('the planner has its templates with it', async () => {
    await submit(bus, { task_id: 'greeting', template: { name: 'hello', params: { name: 'Compose' } } });
    const [task] = await ended(bus, ['greeting']);
    assert.deepEqual([task?.status, task?.steps['repeat']?.output], ['succeeded', { heard: 'Hello, Compose!' }]);
  });

  await step('the executor has a git that clones from folders, and that speaks HTTP', async () => {
    const [executor = ''] = await installation.containers('executor');
    const who = '-c user.name=a -c user.email=a@b';
    const line = `cd /tmp && git init -q one && git -C one ${who} commit -q --allow-empty -m first && git clone -q file:///tmp/one two &&
      git -C two log --format=%s; git ls-remote http://nats:1/none 2>&1 || true`;
    // Nobody answers there, which it can only find out by asking.
    assert.match(
      await run(['docker', 'exec', executor, 'sh', '-c', line]),
      /^first\nfatal: unable to access 'http:\/\/nats:1\/none\/'.*connect/,
    );
  });

  await step('three executors share the work', async () => {
    await installation.compose('up', '--detach', '--no-build', '--no-recreate', '--scale', 'executor=3');
    await installation.healthy({ executor: 3 });
    const { agents } = (await ask(bus, 'agent', 'list', { capability: 'wait' })) as { agents: AgentRecord[] };
    assert.equal(agents.filter(({ queue, health }) => queue === 'executor' && health === 'ok').length, 3);

    const ids = Array.from({ length: 30 }, (_, n) => `shared-${n}`);
    const plan = { steps: [{ id: 'wait', capability: 'wait', input: { ms: 200 } }] };
    await Promise.all(ids.map((task_id) => submit(bus, { task_id, plan })));
    const tasks = await ended(bus, ids);
    assert.deepEqual([...new Set(tasks.map(({ status }) => status))], ['succeeded']);
    const agentsAtWork = new Set(tasks.map(({ steps }) => steps['wait']?.agent));
    assert.ok(agentsAtWork.size > 1, `all was done by ${[...agentsAtWork]}`);
  });

  // Its order comes again after half a minute of silence, and meanwhile there is more to see.
  let victim = '';
  await step('an executor is killed in mid work', async () => {
    const begun = started(bus, 'hurt');
    await submit(bus, { task_id: 'hurt', plan: { steps: [{ id: 'wait', capability: 'wait', input: { ms: 8_000 } }] } });
    victim = await begun;
    await run(['docker', 'kill', '--signal', 'KILL', await containerOf(installation, victim)]);
  });

  await step('a malformed message is put aside with its bytes', async () => {
    const letter = next(bus, bus.names.streams.dlq);
    bus.tell(bus.names.submit(), '{"title": "half a mess');
    const put = await letter;
    assert.equal(put.header('Dlq-Reason'), 'malformed');
    assert.equal(new TextDecoder().decode(put.data), '{"title": "half a mess');
  });

  await step('a coordinator that is started again knows the earlier tasks, and goes on', async () => {
    await installation.compose('restart', 'coordinator');
    await installation.healthy({ coordinator: 1 });
    const found = (await ask(bus, 'task', 'get', { task_id: 'first' })) as TaskRecord;
    assert.deepEqual(
      [found.status, found.finished_at, found.steps['say']?.output],
      ['succeeded', first?.finished_at, { hello: 'containers' }],
    );
    await submit(bus, { task_id: 'afterwards', plan: { steps: [{ id: 'rest', capability: 'noop' }] } });
    assert.equal((await ended(bus, ['afterwards']))[0]?.status, 'succeeded');
  });

  await step('what the killed executor had begun is finished by another', async () => {
    const [task] = await ended(bus, ['hurt']);
    assert.equal(task?.status, 'succeeded');
    const finisher = task?.steps['wait']?.agent;
    assert.ok(finisher && finisher !== victim, `killed was ${victim}, finished has ${finisher}`);
  });

  await step(
    'a fleet grows with what waits, shrinks when there is nothing to do, and ends when it is told to',
    async () => {
      await installation.compose('stop', 'executor');
      const fleet = startFleet(installation);
      const ids = Array.from({ length: 12 }, (_, n) => `fleet-${n}`);
      const plan = { steps: [{ id: 'wait', capability: 'wait', input: { ms: 1_500 } }] };
      await Promise.all(ids.map((task_id) => submit(bus, { task_id, plan })));
      const tasks = await ended(bus, ids);
      assert.deepEqual([...new Set(tasks.map(({ status }) => status))], ['succeeded']);
      assert.deepEqual([...new Set(tasks.map(({ steps }) => steps['wait']?.attempt))], [1], 'none was cut off');
      const byFleet = new Set(
        tasks.map(({ steps }) => steps['wait']?.agent).filter((agent) => agent?.includes('.fleet-')),
      );
      assert.ok(byFleet.size > 1, `by the fleet: ${[...byFleet]}`);
      while ((await fleet.containers()).length > 1) await new Promise((again) => setTimeout(again, 250));
      assert.equal(await fleet.end(), 0);
      assert.deepEqual(await fleet.containers(), []);
    },
  );

  await step('every service ends well when it is told to, within its time', async () => {
    const services = ['coordinator', 'planner', 'executor', 'verifier', 'notifier'];
    const containers = (await Promise.all(services.map((service) => installation.containers(service)))).flat();
    await installation.compose('stop', ...services);
    const codes = await run(['docker', 'inspect', '--format', '{{.Config.Image}} {{.State.ExitCode}}', ...containers]);
    assert.ok(
      codes.split('\n').every((line) => line.endsWith(' 0')),
      codes,
    );
  });

  await step('nothing is left', async () => {
    await bus.close();
    assert.deepEqual(await installation.remove(), []);
  });
  if (failed)
    process.stderr.write(`${await installation.compose('logs', '--no-color', '--tail', '40').catch(String)}\n`);
});

/** The command itself, with the images of this installation, in its network. */
const startFleet = (installation: Installation) => {
  const { project, url } = installation;
  const options = [
    '--min',
    '1',
    '--max',
    '3',
    '--idle',
    '1s',
    '--concurrency',
    '1',
    '--socket',
    'none',
    '--network',
    `${project}_default`,
  ];
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts');
  const child = spawn(
    process.execPath,
    [
      main,
      'fleet',
      ...options,
      '--image',
      `${project}/executor:test`,
      '--nats-url',
      url,
      '--env',
      'CAPSTAN_NATS_URL=nats://nats:4222',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const over = once(child, 'exit');
  return {
    containers: () =>
      list(
        'ps',
        '--all',
        '--quiet',
        '--filter',
        `label=capstan.fleet=capstan.executor`,
        '--filter',
        `network=${project}_default`,
      ),
    end: async () => {
      child.kill('SIGTERM');
      return (await over)[0] as number;
    },
  };
};

const submit = async (bus: Bus, task: Readonly<Record<string, unknown>>): Promise<void> => {
  await bus.append({ subject: bus.names.submit(), data: JSON.stringify(task) });
};

const ask = async (bus: Bus, noun: string, verb: string, body: Readonly<Record<string, unknown>>): Promise<unknown> => {
  const answer = await bus.ask(bus.names.api(noun, verb), JSON.stringify(body));
  assert.equal(answer.header('Nats-Service-Error'), undefined, new TextDecoder().decode(answer.data));
  return decodeTrusted(answer.data);
};

const watchTasks = (bus: Bus, on: (task: TaskRecord) => void) =>
  bus.store(bus.names.buckets.tasks).watch(({ data, gone }) => {
    const record = gone ? null : (decodeTrusted(data) as unknown as Partial<TaskRecord>);
    if (record?.task_id && record.steps) on(record as TaskRecord);
  });

/** The tasks as their snapshots show them at their end. */
const ended = async (bus: Bus, ids: readonly string[]): Promise<TaskRecord[]> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const found = new Map<string, TaskRecord>();
  const watching = await watchTasks(bus, (task) => {
    if (ids.includes(task.task_id) && isEnded(task.status)) found.set(task.task_id, task);
    if (found.size === ids.length) resolve();
  });
  await promise;
  await watching.stop();
  return ids.flatMap((id) => found.get(id) ?? []);
};

/** Which agent says that it begins a step of a task. */
const started = (bus: Bus, task: string): Promise<string> => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const listening = bus.listen(bus.names.progress(task, '*'), ({ data }) =>
    resolve((decodeTrusted(data) as { agent: string }).agent),
  );
  return promise.finally(() => listening.stop());
};

/** The first message that a stream gets from now on. */
const next = async (bus: Bus, stream: string): Promise<Message> => {
  const { promise, resolve } = Promise.withResolvers<Message>();
  const reading = await bus.log(stream).read({ after: (await bus.log(stream).info()).last, on: resolve });
  return promise.finally(() => reading.stop());
};

/** The container in which an agent runs, as `executor.7f3a`; its log lines carry the instance. */
const containerOf = async (installation: Installation, agent: string): Promise<string> => {
  const [queue = '', instance = ''] = agent.split('.');
  const containers = await installation.containers(queue);
  const found = containers.find((container) => logs(container).includes(`"instance":"${instance}"`));
  assert.ok(found, `no container of ${queue} has said that it is ${instance}`);
  return found;
};
