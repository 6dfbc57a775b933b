// The workflow "Deploy New Feature" whole, as `capstan up` runs it: from the pull request to the notification, with a person's yes in the
// middle. GitHub is a local server that answers as its API is published to, over a real repository that is really merged; Pulumi is a
// small program that prints as its CLI does.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { connect, type NatsBus } from '@capstan/bus';
import type { Intervention, TaskRecord } from '@capstan/contracts';
import { pulumiScript, startGitHub } from '@capstan/executor/testing';

const cli = join(import.meta.dirname, '../../packages/cli/src/main.ts');
const token = 'canary-pulumi-0123456789';

/** A repository whose branches `feature` and `other` each pass their tests and their linter, and want one thing more deployed. */
const seed = (folder: string): string => {
  const work = join(folder, 'work');
  mkdirSync(join(work, 'infra'), { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', ...args], {
      cwd: work,
      stdio: 'pipe',
    });
  const write = (name: string, text: string) => writeFileSync(join(work, name), text);
  git('init', '-q');
  write('add.mjs', 'export const add = (a, b) => a + b;\n');
  write(
    'add.test.mjs',
    "import test from 'node:test';\nimport assert from 'node:assert';\nimport { add } from './add.mjs';\ntest('adds', () => assert.equal(add(1, 2), 3));\n",
  );
  write('infra/wanted', 'assets');
  git('add', '.');
  git('commit', '-qm', 'first');
  for (const branch of ['feature', 'other']) {
    git('checkout', '-qb', branch, 'main');
    write(`${branch}.txt`, branch);
    write('infra/wanted', `assets\n${branch}`);
    git('add', '.');
    git('commit', '-qm', branch);
  }
  git('checkout', '-q', 'main');
  git('clone', '-q', '--bare', '.', join(folder, 'app.git'));
  return join(folder, 'app.git');
};

const fixture = async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-deploy-'));
  const bare = seed(folder);
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'pulumi'), pulumiScript);
  chmodSync(join(folder, 'bin', 'pulumi'), 0o755);
  const github = await startGitHub(bare, 'acme/app', bare);
  github.pulls.push(
    { number: 123, title: 'A feature', head: 'feature', base: 'main' },
    { number: 124, title: 'Another', head: 'other', base: 'main' },
  );
  // What is deployed: not healthy at first.
  let visits = 0;
  const deployed = createServer((_, response) => response.writeHead(++visits > 2 ? 200 : 503).end()).listen(
    0,
    '127.0.0.1',
  );
  await once(deployed, 'listening');
  const health = `127.0.0.1:${(deployed.address() as AddressInfo).port}`;
  const { CAPSTAN_NATS_URL: _, NATS_URL: __, ...inherited } = process.env;
  const up = spawn(
    process.execPath,
    [cli, 'up', '--no-demo', '--port', '0', '--data', join(folder, 'data'), '--unsafe-host-shell'],
    {
      env: {
        ...inherited,
        PATH: [join(folder, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter),
        CAPSTAN_GITHUB_URL: github.url,
        CAPSTAN_GITHUB_TOKEN: github.token,
        CAPSTAN_GIT_LOCAL: bare,
        CAPSTAN_HTTP_ALLOW: health,
        PULUMI_ACCESS_TOKEN: token,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(async () => {
    const ended = up.exitCode === null ? once(up, 'exit') : Promise.resolve();
    up.kill('SIGTERM');
    await ended;
    await github[Symbol.asyncDispose]();
    deployed.close();
    deployed.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });
  const bus = await connect({ url: await readyUrl(up) });
  t.after(() => bus.close());
  return { bus, github, health };
};

const readyUrl = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const ready = /^ready (nats:\/\/\S+)/.exec(line);
      if (ready) resolve(ready[1]!);
    });
    child.once('exit', (code) => reject(new Error(`capstan up ended with ${code} before it was ready`)));
  });

const newClient = (bus: NatsBus) => {
  const { names } = bus;
  const ask = async <T>(noun: string, verb: string, body: object): Promise<T> => {
    const answer = JSON.parse(
      Buffer.from((await bus.ask(names.api(noun, verb), JSON.stringify(body))).data).toString(),
    );
    assert.equal(answer.error, undefined, JSON.stringify(answer.error));
    return answer as T;
  };
  /** The task once something holds of it: looked at whenever it says that it changed. */
  const until = async (id: string, holds: (task: TaskRecord) => boolean): Promise<TaskRecord> => {
    const { promise, resolve, reject } = Promise.withResolvers<TaskRecord>();
    const look = () =>
      ask<TaskRecord>('task', 'get', { task_id: id }).then((task) => {
        if (holds(task)) resolve(task);
        else if (task.status === 'failed') reject(new Error(JSON.stringify(task.steps, null, 1).slice(0, 4_000)));
      }, reject);
    const listening = bus.listen(names.notices('*', id), () => void look());
    await look();
    const task = await promise;
    await listening.stop();
    return task;
  };
  const submit = (id: string, pr: number, health: string) =>
    ask('task', 'submit', {
      task_id: id,
      title: `Deploy pull request ${pr}`,
      template: {
        name: 'deploy-feature',
        params: {
          pr,
          repository: 'acme/app',
          infrastructure: 'infra',
          test_command: ['node', '--test'],
          lint_command: ['node', '--check', 'add.mjs'],
          health_url: `http://${health}/`,
          healthy_for_ms: 0,
        },
      },
    });
  const question = async (id: string): Promise<Intervention> => {
    await until(id, ({ status }) => status === 'awaiting_approval');
    for (;;) {
      const filter = { status: 'pending', task_id: id };
      const { interventions } = await ask<{ interventions: Intervention[] }>('inbox', 'list', filter);
      if (interventions[0]) return interventions[0];
      await new Promise((next) => setTimeout(next, 20));
    }
  };
  return { ask, until, submit, question };
};

test('a pull request is tested, shown, approved, merged, applied, watched and told of', {
  timeout: 120_000,
}, async (t) => {
  const { bus, github, health } = await fixture(t);
  const { ask, until, submit, question } = newClient(bus);
  const seen: string[] = [];
  bus.listen('>', ({ data }) => void seen.push(Buffer.from(data).toString()));

  await submit('deploy-123', 123, health);
  const open = await question('deploy-123');
  const shown = JSON.stringify(open);
  assert.match(shown, /Deploy pull request 123, \\"A feature\\", to production\?/);
  assert.match(shown, /Stack production: 2 to create; 0 stay as they are/);
  assert.equal(github.pulls[0]?.merged, undefined);
  await ask('inbox', 'approve', { id: open.id, by: 'alice', reason: 'Looks right.' });
  const task = await until('deploy-123', ({ status }) => status === 'succeeded');
  assert.deepEqual(
    Object.entries(task.steps ?? {}).map(([id, { status }]) => `${id} ${status}`),
    [
      '_plan succeeded',
      'fetch_pr_details succeeded',
      'get_code succeeded',
      'run_unit_tests succeeded',
      'run_lint_checks succeeded',
      'pulumi_preview succeeded',
      'request_deployment_approval succeeded',
      'merge_pr succeeded',
      'get_merged_code succeeded',
      'pulumi_up succeeded',
      'monitor_deployment succeeded',
      'notify_on_completion succeeded',
    ],
  );
  assert.equal(github.pulls[0]?.merged, github.git('rev-parse', 'main'));
  assert.equal(github.git('show', 'main:feature.txt'), 'feature');
  const watched = task.steps?.['monitor_deployment']?.output as { seen: { what: string }[] };
  assert.deepEqual(
    watched.seen.map(({ what }) => what),
    ['it answers 503', 'it answers 200'],
  );

  await submit('deploy-124', 124, health);
  const { id } = await question('deploy-124');
  await ask('inbox', 'reject', { id, by: 'alice', reason: 'Not on a Friday.' });
  const refused = await until('deploy-124', ({ finished_at: at }) => at !== null).catch(
    (error: Error) => error.message,
  );
  assert.match(JSON.stringify(refused), /Not on a Friday/);
  assert.equal(github.pulls[1]?.merged, undefined);
  assert.equal(github.heard.filter((one) => one.startsWith('PUT')).length, 1);
  assert.doesNotMatch(seen.join('\n'), /canary/);
});
