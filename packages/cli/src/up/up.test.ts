// `capstan up` as a process, with everything it starts.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import type { TaskRecord } from '@capstan/contracts';
import { runCommand } from '../testing.ts';
import { isSame, untilGone, type Written } from './identity.ts';
import type { Child } from './leftovers.ts';

const patienceMs = 120_000;

/** Where it keeps its data; whatever it left running is ended with the test. */
const directory = (t: TestContext): string => {
  const data = mkdtempSync(join(tmpdir(), 'capstan-up-'));
  t.after(async () => {
    const left = [...supervisorOf(data), ...childrenOf(data)];
    for (const { pid, group } of left.filter(isSame)) {
      try {
        process.kill(group ? -pid : pid, 'SIGKILL');
      } catch {
        // It ended.
      }
    }
    await untilGone(left, 10_000);
    rmSync(data, { recursive: true, force: true });
  });
  return data;
};

const supervisorOf = (data: string): Child[] => {
  try {
    const { pid, identity } = JSON.parse(readFileSync(join(data, 'supervisor.json'), 'utf8')) as Written;
    return [{ name: 'supervisor', pid, identity, group: false }];
  } catch {
    return [];
  }
};

const childrenOf = (data: string): Child[] => {
  try {
    return (JSON.parse(readFileSync(join(data, 'children.json'), 'utf8')) as { children: Child[] }).children;
  } catch {
    return [];
  }
};

class Up {
  readonly lines: string[] = [];
  readonly process: ChildProcess;
  #waiting: (() => void)[] = [];

  constructor(data: string, ...options: string[]) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('CAPSTAN_') || name === 'CAPSTAN_NATS_SERVER',
    );
    this.process = spawn(
      process.execPath,
      [join(import.meta.dirname, '../main.ts'), 'up', '--port', '0', '--data', data, ...options],
      { stdio: ['ignore', 'pipe', 'pipe'], env: Object.fromEntries(inherited) },
    );
    for (const stream of [this.process.stdout, this.process.stderr]) {
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line);
          for (const wake of this.#waiting) wake();
        });
    }
  }

  /** The first line, of those so far or to come, that matches. */
  async line(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      assert.ok(left > 0 && this.process.exitCode === null, `no ${pattern}:\n${this.lines.join('\n')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 1_000));
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      this.#waiting = [];
    }
  }

  async url(): Promise<string> {
    return (await this.line(/^ready /)).replace('ready ', '');
  }

  async end(...signals: NodeJS.Signals[]): Promise<number | null> {
    const exited = once(this.process, 'exit');
    for (const signal of signals) this.process.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}

const kill = (data: string, name: string): void => {
  const child = childrenOf(data).find((one) => one.name === name);
  assert.ok(child, name);
  process.kill(child.pid, 'SIGKILL');
};

const getTask = async (url: string, id: string): Promise<TaskRecord> =>
  JSON.parse((await runCommand(['get', id, '--json', '--nats-url', url])).out) as TaskRecord;

test('starts everything, demonstrates, drains; the next start finds the task', async (t) => {
  const data = directory(t);
  const first = new Up(data, '--approve-after', '300ms');
  const url = await first.url();
  await first.line(/Nobody is at a terminal here: approved automatically\./);
  const ended = await first.line(/^succeeded demo-/);
  assert.match(ended, /7 steps: 7 succeeded; 8 attempts$/);
  const id = /demo-\w+/.exec(ended)?.[0] ?? '';
  const { steps } = await getTask(url, id);
  assert.deepEqual(steps['announce']?.output, { text: 'invoice-export-1.4.2.tar.gz is out' });
  assert.equal(steps['unit']?.attempts.length, 2);
  const names = childrenOf(data).map(({ name }) => name);
  assert.deepEqual(names, ['nats-server', 'coordinator', 'planner', 'executor', 'verifier', 'notifier']);
  const children = childrenOf(data);
  assert.equal(await first.end('SIGINT'), 0);
  assert.equal(await untilGone(children, 0), true);

  const second = new Up(data, '--no-demo', '--executors', '2', '--strict');
  await second.line(/^1 earlier task; the last: Demonstration.*succeeded/);
  assert.equal((await getTask(await second.url(), id)).status, 'succeeded');
  assert.equal(childrenOf(data).filter(({ name }) => name.startsWith('executor')).length, 2);
  assert.equal(await second.end('SIGTERM'), 0);
});

test('whatever is killed during the demonstration, it ends in the right result', async (t) => {
  const data = directory(t);
  const up = new Up(data, '--approve-after', '2s');
  const url = await up.url();
  // As news, or in the first picture where it runs by then.
  await up.line(/docs: running|● docs/);
  kill(data, 'executor');
  await up.line(/^executor was ended by SIGKILL; starting it again in 0\.2 s\.$/);
  await up.line(/release: awaiting approval/);
  kill(data, 'nats-server');
  await up.line(/^nats-server was ended by SIGKILL/);
  await up.line(/approved automatically/);
  kill(data, 'coordinator');
  const ended = await up.line(/^(succeeded|failed) demo-/);
  assert.match(ended, /^succeeded .* 7 steps: 7 succeeded/);
  const { steps } = await getTask(url, /demo-\w+/.exec(ended)?.[0] ?? '');
  assert.deepEqual(steps['announce']?.output, { text: 'invoice-export-1.4.2.tar.gz is out' });
  assert.equal(await up.end('SIGINT'), 0);
});

test('a second one on the same data is refused; after a kill -9 the next takes over', async (t) => {
  const data = directory(t);
  const first = new Up(data, '--no-demo');
  const url = await first.url();
  const refused = new Up(data, '--no-demo');
  assert.equal(await refused.end(), 2);
  assert.match(refused.lines.join('\n'), new RegExp(`^capstan: Capstan runs already on ${data} .*${url}`));

  const children = childrenOf(data);
  const services: Written[] = children.filter(({ group }) => !group);
  await first.end('SIGKILL');
  assert.equal(await untilGone(services, patienceMs), true, 'services end with their supervisor');

  const next = new Up(data, '--no-demo');
  await next.line(/^The supervisor before this one was killed; what it left is ended: nats-server\.$/);
  await next.url();
  assert.equal(await untilGone(children, 0), true);
  assert.equal(await next.end('SIGTERM'), 0);
});

test('a second signal ends everything at once', async (t) => {
  const data = directory(t);
  const up = new Up(data, '--no-demo', '--json');
  assert.match(await up.line(/"event":"ready"/), /"url":"nats:\/\/127\.0\.0\.1:\d+"/);
  for (const line of up.lines) assert.ok((JSON.parse(line) as { event: string }).event, line);
  const children = childrenOf(data);
  // One that is stopped can't drain, so the second signal finds the first still at work.
  process.kill(children.find(({ name }) => name === 'planner')?.pid ?? 0, 'SIGSTOP');
  up.process.kill('SIGINT');
  await up.line(/"event":"draining"/);
  // Too soon after the first it would be taken for the same one.
  const again = setInterval(() => up.process.kill('SIGINT'), 100);
  assert.equal(await up.end('SIGINT'), 1);
  clearInterval(again);
  assert.equal(await untilGone(children, 5_000), true);
});

test('mistakes are said in one line, with 2, before anything is started', async (t) => {
  const data = directory(t);
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  for (const [options, said] of [
    [['--port', String(port)], /something listens there already\. Give another with --port N/],
    [['--executors', '0'], /--executors can't be "0"/],
    [['--config', join(data, 'none.yaml')], /there is no such file/],
    [['--data', join(process.execPath, 'x')], /Give another directory with --data DIR\./],
    [['--demo'], /There is no option --demo\./],
  ] as const) {
    const up = new Up(data, ...options);
    assert.equal(await up.end(), 2);
    assert.equal(up.lines.length, 1, up.lines.join('\n'));
    assert.match(up.lines[0] ?? '', said);
  }
  assert.deepEqual(childrenOf(data), []);
});
