// The shell tool as it is by default: in the sandbox, by an executor that may do nothing on this host.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { Json, Order, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { missingSandbox, newScope } from '@capstan/sandbox/testing';
import { newExecutor } from '../executor.ts';

const skip = missingSandbox() ?? false;

const fixture = async (t: TestContext) => {
  const world = await newAgentWorld();
  const { scope, remove } = newScope();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    assert.deepEqual(remove(), [], 'no container is left');
  });
  await world.start(newExecutor(), { CAPSTAN_SANDBOX_SCOPE: scope });
  const run = async (input: unknown, more: Partial<Order> = {}): Promise<Report> => {
    const order = await world.order({
      queue: 'executor',
      capability: 'shell',
      input: input as Record<string, Json>,
      ...more,
    });
    return world.report(order);
  };
  return { world, run };
};

test('steps of a task share a workspace that no other task sees, as a user of no rights', { skip }, async (t) => {
  const { run } = await fixture(t);
  const wrote = await run({ command: 'echo kept >file; id -u', shell: true }, { task_id: 'one', step_id: 'a' });
  assert.deepEqual([wrote.outcome, (wrote.output as { stdout: string }).stdout], ['succeeded', '10001\n']);
  const read = await run({ command: ['cat', 'file'] }, { task_id: 'one', step_id: 'b' });
  assert.equal((read.output as { stdout: string }).stdout, 'kept\n');
  const other = await run({ command: ['cat', 'file'] }, { task_id: 'other' });
  assert.deepEqual([other.error?.code, (other.output as { exit_code: number }).exit_code], ['command_failed', 1]);
});

test('artifacts are taken out by name, with size and hash, also of a command that fails', { skip }, async (t) => {
  const { world, run } = await fixture(t);
  const command =
    'mkdir -p out/deep; printf one >out/a.txt; printf two >out/deep/b.txt; ln -s /etc/passwd out/link; exit 1';
  const report = await run({ command, shell: true, artifacts: ['out', 'nothing/*.xml'] });
  assert.equal(report.outcome, 'failed');
  const hash = createHash('sha256').update('two').digest('hex');
  assert.deepEqual(report.artifacts?.map(({ name, size }) => [name, size]).sort(), [
    ['out/a.txt', 3],
    ['out/deep/b.txt', 3],
  ]);
  const deep = report.artifacts?.find(({ name }) => name === 'out/deep/b.txt');
  assert.equal(deep?.sha256, hash);
  const key = deep?.ref.slice(`${world.bus.names.buckets.artifacts}/`.length) ?? '';
  assert.equal(
    Buffer.from((await world.bus.objects(world.bus.names.buckets.artifacts).get(key)) ?? []).toString(),
    'two',
  );
});

test('what the step says of its sandbox takes effect', { skip }, async (t) => {
  const { run } = await fixture(t);
  const greedy = await run(
    { command: ['node', '-e', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 23, 1))'] },
    { sandbox: { memory_mb: 64 } },
  );
  assert.equal(greedy.error?.code, 'out_of_memory');
  const image = await run({ command: ['true'] }, { sandbox: { image: 'capstan/no-such-image' } });
  assert.deepEqual([image.error?.code, image.error?.retryable], ['image_missing', false]);
  const tooMuch = await run({ command: ['true'] }, { sandbox: { memory_mb: 1_000_000 } });
  assert.deepEqual([tooMuch.error?.code, tooMuch.error?.retryable], ['sandbox_limit', false]);
  const absent = await run({ command: ['no-such-program'] });
  assert.deepEqual([absent.error?.code, absent.error?.retryable], ['command_not_found', false]);
  await run({ command: ['mkdir', 'below'] }, { task_id: 'two', step_id: 'a' });
  const below = await run({ command: ['no-such-program'], cwd: 'below' }, { task_id: 'two', step_id: 'b' });
  assert.deepEqual([below.error?.code, below.error?.message], [absent.error?.code, absent.error?.message]);
});
