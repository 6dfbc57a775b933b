// Against a program that prints as Pulumi's CLI does, so that it is quick and runs everywhere; test/sandbox/pulumi.test.ts has the CLI itself.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { newExecutor } from '../executor.ts';
import { pulumiScript } from '../pulumi/testing.ts';

const fixture = async (t: TestContext) => {
  process.env['PULUMI_CANARY'] = 'canary-pulumi-token';
  const folder = mkdtempSync(join(tmpdir(), 'capstan-pulumi-'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'pulumi'), pulumiScript);
  chmodSync(join(folder, 'bin', 'pulumi'), 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${join(folder, 'bin')}${delimiter}${before}`;
  const world = await newAgentWorld();
  t.after(async () => {
    process.env['PATH'] = before;
    await world[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  await world.start(newExecutor(), { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  let step = 0;
  const run = async (capability: string, input: object): Promise<Report> =>
    world.report(
      await world.order({
        queue: 'executor',
        capability,
        input: input as Record<string, Json>,
        task_id: 'p',
        step_id: `s${++step}`,
      }),
    );
  const want = (...names: string[]) =>
    run('files', { action: 'write', files: [{ path: 'infra/wanted', content: names.join('\n') }] });
  const env = { PULUMI_ACCESS_TOKEN: { $secret: 'env:PULUMI_CANARY' } };
  const pulumi = (verb: string, more: object = {}) =>
    run(`pulumi.${verb}`, { stack: 'production', path: 'infra', env, ...more });
  return { pulumi, want, world };
};

const outputOf = (report: Report): Record<string, unknown> => {
  assert.equal(report.outcome, 'succeeded', report.error?.message);
  return report.output as Record<string, unknown>;
};

test('a preview says what would change, without the values; up applies that and nothing else', async (t) => {
  const { pulumi, want, world } = await fixture(t);
  const seen: string[] = [];
  world.bus.listen('>', ({ data }) => void seen.push(Buffer.from(data).toString()));
  await want('assets', 'logs');
  const first = outputOf(await pulumi('preview'));
  assert.deepEqual([first['changes'], first['destructive']], [{ create: 2 }, false]);
  assert.deepEqual((first['steps'] as object[])[0], {
    op: 'create',
    urn: 'urn:pulumi:production::app::aws:s3/bucket:Bucket::assets',
    type: 'aws:s3/bucket:Bucket',
    name: 'assets',
    properties: [],
  });
  assert.match(
    String(first['summary']),
    /^Stack production: 2 to create; 0 stay as they are\.\n- create aws:s3\/bucket:Bucket assets/,
  );
  await want('assets', 'logs', 'more');
  const changed = await pulumi('up', { fingerprint: first['fingerprint'] });
  assert.deepEqual([changed.error?.code, changed.error?.retryable], ['plan_changed', false]);
  const second = outputOf(await pulumi('preview'));
  const applied = outputOf(await pulumi('up', { fingerprint: second['fingerprint'] }));
  assert.deepEqual(applied, {
    stack: 'production',
    changes: { create: 3 },
    outputs: { url: 'https://app.example', password: '[secret]' },
    duration_ms: 2_000,
  });
  await want('assets');
  const third = outputOf(await pulumi('preview'));
  assert.deepEqual([third['changes'], third['destructive']], [{ same: 1, delete: 2 }, true]);
  assert.doesNotMatch([...seen, ...world.logged].join(''), /canary/);
});

test('what goes wrong is said in its words, and whether it is worth another try', async (t) => {
  const { pulumi, want } = await fixture(t);
  const failure = async (verb: string, more: object = {}) => {
    const { error } = await pulumi(verb, more);
    return [error?.code, error?.retryable, error?.message];
  };
  await want('broken');
  assert.match(String((await failure('preview'))[2]), /Missing required argument/);
  await want('refused');
  assert.deepEqual(await failure('up'), ['pulumi_failed', true, 'pulumi up failed: creating bucket: AccessDenied']);
  assert.deepEqual((await failure('preview', { stack: 'none' })).slice(0, 2), ['pulumi_refused', false]);
  assert.deepEqual((await failure('up', { stack: 'locked' })).slice(0, 2), ['pulumi_locked', true]);
  assert.deepEqual((await failure('preview', { env: {} })).slice(0, 2), ['pulumi_refused', false]);
  assert.match(String((await failure('preview', { stack: '--yes' }))[2]), /^stack: /);
});
