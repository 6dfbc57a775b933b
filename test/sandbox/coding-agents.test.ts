// The real Copilot CLI and the real Cline, as examples/coding-agents configures them, in containers that reach nothing but a model. The model
// is a server that speaks the protocol and follows a script; all that is done in the workspace is done by these programs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, Order, Report } from '@capstan/contracts';
import { newExecutor } from '@capstan/executor';
import { newAgentWorld } from '@capstan/kit/testing';
import { newScope } from '@capstan/sandbox/testing';
import { ensureCodingAgents } from '../../tools/coding-agents.ts';
import { type Call, startModel } from './scripted-model.ts';
import { skip as noSandbox } from './support.ts';

const example = join(import.meta.dirname, '../../examples/coding-agents');
const canary = 'canary-coding-key-4711';
const made = noSandbox === false ? await ensureCodingAgents() : { reason: noSandbox };
const skip = 'reason' in made ? `SKIPPED, no real coding agent is run: ${made.reason}` : false;
if (skip !== false) process.stderr.write(`\n*** ${skip} ***\n\n`);

/** How one of them calls its tools. */
interface Tongue {
  look(path: string): Call;
  edit(path: string, from: string, to: string): Call;
  run(command: string): Call;
}

const tongues: Readonly<Record<'copilot' | 'cline', Tongue>> = {
  copilot: {
    look: (path) => ({ name: 'view', arguments: { path } }),
    edit: (path, from, to) => ({
      name: 'edit',
      arguments: { path, old_str: from, new_str: to },
    }),
    run: (command) => ({
      name: 'bash',
      arguments: { command, description: 'Run it', mode: 'sync', initial_wait: 30 },
    }),
  },
  cline: {
    look: (path) => ({ name: 'read_files', arguments: { files: [{ path }] } }),
    edit: (path, from, to) => ({
      name: 'apply_patch',
      arguments: { input: `*** Begin Patch\n*** Update File: ${path}\n@@\n-${from}\n+${to}\n*** End Patch` },
    }),
    run: (command) => ({ name: 'run_commands', arguments: { commands: [command] } }),
  },
};

const fixture = async (t: TestContext, agent: keyof typeof tongues) => {
  process.env['MODELS_KEY'] = canary;
  const folder = mkdtempSync(join(tmpdir(), 'capstan-agents-'));
  const model = await startModel();
  let reached = 0;
  const elsewhere = createServer((_, response) => response.end(`reached ${++reached}`)).listen(0, '127.0.0.2');
  await once(elsewhere, 'listening');
  const config = join(folder, 'capstan.yaml');
  const configured = readFileSync(join(example, 'capstan.yaml'), 'utf8')
    .replaceAll('https://models.example', `http://${model.place}`)
    .replaceAll('models.example:443', model.place)
    .replaceAll('image: coding-agents', `image: ${'image' in made ? made.image : ''}`);
  writeFileSync(config, configured);
  const { scope, remove } = newScope();
  const world = await newAgentWorld();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    await model[Symbol.asyncDispose]();
    elsewhere.close();
    rmSync(folder, { recursive: true, force: true });
    assert.deepEqual(remove(), [], 'a container is left');
  });
  const seen: string[] = [];
  world.bus.listen('>', ({ data }) => void seen.push(Buffer.from(data).toString()));
  await world.start(newExecutor(), {
    CAPSTAN_CONFIG: config,
    CAPSTAN_SANDBOX_SCOPE: scope,
    CAPSTAN_SANDBOX_ALLOW: model.place,
  });
  let step = 0;
  const run = async (capability: string, input: object, more: Partial<Order> = {}): Promise<Report> =>
    world.report(
      await world.order({
        queue: 'executor',
        capability,
        input: input as Record<string, Json>,
        task_id: agent,
        step_id: `s${++step}`,
        ...more,
      }),
    );
  const code = (action: string, more: Partial<Order> = {}) =>
    run('coding-agent', { action, agent, path: 'code', prompt: 'Make the failing test pass.', checks }, more);
  await run('files', { action: 'write', files });
  const text = async () =>
    ((await run('files', { action: 'read', path: 'code/add.mjs' })).output as { content: string }).content;
  return {
    model,
    run,
    code,
    text,
    world,
    seen,
    outside: `http://127.0.0.2:${(elsewhere.address() as AddressInfo).port}/`,
  };
};

const checks = [{ command: ['node', '--test'] }];
const wrong = 'export const add = (a, b) => a - b;';
const right = 'export const add = (a, b) => a + b;';
const files = [
  { path: 'code/add.mjs', content: `${wrong}\n` },
  {
    path: 'code/add.test.mjs',
    content: `import test from 'node:test';\nimport assert from 'node:assert';\nimport { add } from './add.mjs';\ntest('adds', () => assert.equal(add(1, 2), 3));\n`,
  },
];
const at = '/sandbox/workspace/code/add.mjs';

type World = Awaited<ReturnType<typeof fixture>>;

/** It looks, edits and runs the tests, and all of that is a diff in the end, and nothing in the workspace. */
const suggests = async ({ model, code, text, outside }: World, { look, edit, run: runs }: Tongue): Promise<void> => {
  model.script = [look(at), edit(at, wrong, right), runs(`node --test; curl -sS ${outside}`)];
  const suggested = await code('suggest_changes');
  assert.equal(suggested.outcome, 'succeeded', suggested.error?.message);
  const output = suggested.output as { patch: string; applied: boolean; valid: boolean; said: string };
  assert.match(output.patch, /^--- a\/add\.mjs\n\+\+\+ b\/add\.mjs\n[^]*\n-export.* a - b;\n\+export.* a \+ b;$/m);
  assert.deepEqual([output.valid, output.applied, await text()], [true, false, `${wrong}\n`]);
  assert.match(output.said, /It is mended\./);
  // What it told the model: the file as it was, how the tests went in the sandbox, and that there is no way to anywhere else.
  const heard = JSON.stringify(model.asked.at(-1)?.messages.filter(({ role }) => role === 'tool'));
  assert.match(heard, /a - b[^]*pass 1[^]*Refused by the sandbox/);
  assert.deepEqual([...new Set(model.asked.map(({ key }) => key))], [`Bearer ${canary}`]);
};

const executes = async ({ model, code, text }: World, { edit }: Tongue, failed?: Report['error']): Promise<void> => {
  model.script = [edit(at, wrong, right)];
  const executed = await code('execute_edits', failed ? { last_failure: failed } : {});
  assert.equal(executed.outcome, 'succeeded', executed.error?.message);
  assert.deepEqual([(executed.output as { applied: boolean }).applied, await text()], [true, `${right}\n`]);
};

/** Neither a key nor a session is there for the next step. */
const leavesNothing = async ({ run, seen, world }: World): Promise<void> => {
  const line = `grep -rl ${canary.slice(0, 12)} /sandbox; ls -A /sandbox/home`;
  const left = await run('shell', { command: ['sh', '-c', line] });
  assert.deepEqual([left.outcome, (left.output as { stdout: string }).stdout], ['succeeded', '']);
  assert.doesNotMatch([...seen, ...world.logged].join(''), new RegExp(canary));
};

test('copilot suggests a diff; what it makes wrong is taken back, it is told why, and what it makes right is there', {
  skip,
  timeout: 240_000,
}, async (t) => {
  const { copilot } = tongues;
  const world = await fixture(t, 'copilot');
  await suggests(world, copilot);
  world.model.script = [copilot.edit(at, wrong, 'export const add = () => 4;')];
  const { error } = await world.code('execute_edits');
  assert.deepEqual([error?.code, error?.retryable, await world.text()], ['checks_failed', true, `${wrong}\n`]);
  await executes(world, copilot, error);
  assert.match(JSON.stringify(world.model.asked.at(-1)), /The last attempt was not accepted: .*ended with 1/);
  await leavesNothing(world);
});

test('cline suggests a diff, and what it makes is there', { skip, timeout: 240_000 }, async (t) => {
  const world = await fixture(t, 'cline');
  await suggests(world, tongues.cline);
  await executes(world, tongues.cline);
  await leavesNothing(world);
});
