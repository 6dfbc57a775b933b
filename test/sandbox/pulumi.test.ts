// The real Pulumi CLI in containers, with the program in pulumi/, a backend of files and a passphrase: no cloud, no network, no login. It takes
// minutes to build, so this runs only where tools/pulumi.ts has done that; what the CLI printed then is in the executor's src/pulumi/samples.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, Report } from '@capstan/contracts';
import { newExecutor } from '@capstan/executor';
import { newAgentWorld } from '@capstan/kit/testing';
import { newScope } from '@capstan/sandbox/testing';
import { pulumiFolder } from '../../tools/pulumi.ts';
import { skip as noSandbox } from './support.ts';

const built = pulumiFolder();
const skip =
  noSandbox !== false || built.there
    ? noSandbox
    : 'SKIPPED, the real Pulumi CLI is not run: `node tools/bootstrap.mjs tools/pulumi.ts` builds it, in five minutes';
if (skip !== noSandbox) process.stderr.write(`\n*** ${skip} ***\n\n`);

const dockerfile = `FROM capstan/sandbox
COPY bin /usr/local/bin
COPY node_modules /opt/pulumi/node_modules
ENV NODE_PATH=/opt/pulumi/node_modules
`;

const makeImage = (t: TestContext): string => {
  const tag = `capstan-test-pulumi-${process.pid}`;
  const made = spawnSync('docker', ['build', '--quiet', '--tag', tag, '--file', '-', built.folder], {
    encoding: 'utf8',
    input: dockerfile,
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  assert.equal(made.status, 0, made.stderr);
  t.after(() => spawnSync('docker', ['rmi', '--force', tag]));
  return tag;
};

const outputOf = (report: Report): Record<string, unknown> => {
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  return report.output as Record<string, unknown>;
};

test('real previews are read, what was approved is applied, anything else is refused, and what goes wrong is said in its words', {
  skip,
  timeout: 280_000,
}, async (t) => {
  process.env['PULUMI_CANARY'] = 'canary-phrase-52';
  const image = makeImage(t);
  const { scope, remove } = newScope();
  const world = await newAgentWorld();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    assert.deepEqual(remove(), [], 'a container is left');
  });
  const seen: string[] = [];
  world.bus.listen('>', ({ data }) => void seen.push(Buffer.from(data).toString()));
  await world.start(newExecutor(), { CAPSTAN_SANDBOX_SCOPE: scope });
  let step = 0;
  const run = async (capability: string, input: object): Promise<Report> =>
    world.report(
      await world.order({
        queue: 'executor',
        capability,
        input: input as Record<string, Json>,
        sandbox: { image, memory_mb: 1_024 },
        task_id: 'pulumi',
        step_id: `s${++step}`,
      }),
    );
  const env = {
    PULUMI_BACKEND_URL: 'file:///sandbox/home/state',
    PULUMI_CONFIG_PASSPHRASE: { $secret: 'env:PULUMI_CANARY' },
  };
  const reports: string[] = [];
  const pulumi = async (verb: string, more: object = {}): Promise<Report> => {
    const report = await run(`pulumi.${verb}`, { stack: 'production', path: 'infra', env, ...more });
    reports.push(JSON.stringify(report));
    return report;
  };
  const sh = async (line: string) =>
    String(outputOf(await run('shell', { command: ['sh', '-c', line], cwd: 'infra', env }))['stdout']);
  const want = (...lines: string[]) => sh(`printf '%s\\n' ${lines.join(' ')} >wanted`);

  const project = (name: string) => ({
    path: `infra/${name}`,
    content: readFileSync(join(import.meta.dirname, 'pulumi', name), 'utf8'),
  });
  await run('files', { action: 'write', files: ['Pulumi.yaml', 'index.js'].map(project) });
  await sh('mkdir ~/state && pulumi stack init production --non-interactive');

  await want('assets=x', 'logs=secret');
  const first = outputOf(await pulumi('preview'));
  assert.deepEqual([first['changes'], first['destructive']], [{ create: 3 }, false]);
  assert.match(
    String(first['summary']),
    /^Stack production: 3 to create; 0 stay as they are\.\n[^]*- create pulumi-nodejs:dynamic\/app:File assets$/m,
  );
  assert.equal(outputOf(await pulumi('preview'))['fingerprint'], first['fingerprint'], 'looking twice sees the same');

  // One thing more, and then the same things with another value: neither is what was approved.
  for (const wanted of [
    ['assets=x', 'logs=secret', 'more=x'],
    ['assets=sly', 'logs=secret'],
  ]) {
    await want(...wanted);
    const refused = await pulumi('up', { fingerprint: first['fingerprint'] });
    assert.deepEqual([refused.error?.code, refused.error?.retryable], ['plan_changed', false]);
  }
  assert.equal(await sh('ls -A deployed 2>/dev/null || true'), '');

  await want('assets=x', 'logs=secret');
  const applied = outputOf(await pulumi('up', { fingerprint: first['fingerprint'], config: { region: 'north' } }));
  assert.deepEqual(
    [applied['changes'], applied['outputs']],
    [{ create: 3 }, { url: 'https://app.example', password: '[secret]', region: 'north' }],
  );
  assert.equal(await sh('grep -r . deployed | sort'), 'deployed/assets:x\ndeployed/logs:canary-content\n');

  await want('assets=y', 'logs=secret=other');
  const second = outputOf(await pulumi('preview'));
  assert.deepEqual(second['destructive'], true);
  assert.match(String(second['summary']), /^- update pulumi-nodejs:dynamic\/app:File assets \(content\)$/m);
  assert.match(String(second['summary']), /^- (delete-)?replace(ment)? .*File logs \(name\)$/m);
  outputOf(await pulumi('up', { fingerprint: second['fingerprint'] }));
  await want('assets=y');
  assert.match(String(outputOf(await pulumi('preview'))['summary']), /^- delete .*File logs$/m);

  const failure = async (verb: string, more: object = {}) => {
    const { error } = await pulumi(verb, more);
    return [error?.code, error?.retryable, error?.message] as const;
  };
  await want('assets=refused');
  assert.match(String((await failure('preview'))[2]), /^pulumi preview failed: .*this content is refused/);
  await want('assets=y', 'more=denied');
  const [code, retryable, message] = await failure('up');
  assert.deepEqual([code, retryable], ['pulumi_failed', true]);
  assert.match(String(message), /^pulumi up failed: AccessDenied: it may not be made/);
  assert.deepEqual((await failure('preview', { stack: 'none' })).slice(0, 2), ['pulumi_refused', false]);
  assert.deepEqual((await failure('preview', { env: {} })).slice(0, 2), ['pulumi_refused', false]);
  const wrong = { ...env, PULUMI_CONFIG_PASSPHRASE: 'wrong' };
  assert.deepEqual((await failure('preview', { env: wrong })).slice(0, 2), ['pulumi_refused', false]);
  // As an `up` that was killed leaves it.
  await sh(
    'd=$HOME/state/.pulumi/locks/organization/app/production; mkdir -p $d; echo "{\\"pid\\":1}" >$d/00000000-0000-0000-0000-000000000000.json',
  );
  assert.deepEqual((await failure('up')).slice(0, 2), ['pulumi_locked', true]);

  const said = [...seen, ...world.logged].join('');
  assert.ok(!said.includes('canary-phrase'), 'the passphrase is in a message or in the log');
  assert.ok(!reports.join('').includes('canary-'), 'a secret of the stack is in a report');
});
