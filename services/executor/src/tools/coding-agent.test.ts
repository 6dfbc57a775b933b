// With a small program in the place of a coding CLI: it does what its prompt says, well or badly. On this host, and in a container. The real
// ones are in test/sandbox/coding-agents.test.ts.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Json, Order, Report } from '@capstan/contracts';
import { newAgentWorld } from '@capstan/kit/testing';
import { missingSandbox, newScope } from '@capstan/sandbox/testing';
import { newExecutor } from '../executor.ts';

/** Does the first line of its prompt as a shell would, and says what it was told. */
const agent = 'read -r first; sh -c "$first"; echo "did: $first"; cat';

const fixture = async (t: TestContext, env: NodeJS.ProcessEnv) => {
  process.env['CODING_CANARY'] = 'canary-coding-4711';
  const folder = mkdtempSync(join(tmpdir(), 'capstan-coding-'));
  const config = join(folder, 'capstan.yaml');
  writeFileSync(
    config,
    `executor: { coding_agents: { small: { command: [sh, -c, ${JSON.stringify(agent)}], env: { KEY: { $secret: "env:CODING_CANARY" } } } } }`,
  );
  const world = await newAgentWorld();
  t.after(async () => {
    await world[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  await world.start(newExecutor(), { CAPSTAN_CONFIG: config, ...env });
  let step = 0;
  const run = async (capability: string, input: object, more: Partial<Order> = {}): Promise<Report> =>
    world.report(
      await world.order({
        queue: 'executor',
        capability,
        input: input as Record<string, Json>,
        task_id: 'one',
        step_id: `s${++step}`,
        ...more,
      }),
    );
  const code = (action: string, prompt: string, more: object = {}) =>
    run('coding-agent', { action, prompt, path: 'code', ...more });
  const text = async (path: string) =>
    ((await run('files', { action: 'read', path })).output as { content: string } | undefined)?.content;
  await run('files', {
    action: 'write',
    files: [
      { path: 'code/a.txt', content: 'one\n' },
      { path: 'code/.gitignore', content: 'built\n' },
      { path: 'code/built', content: 'x\n' },
    ],
  });
  return { run, code, text, world };
};

interface Output {
  readonly valid: boolean;
  readonly applied: boolean;
  readonly patch: string;
  readonly problems: readonly string[];
  readonly files: readonly { path: string; added: number }[];
  readonly checks: readonly { exit_code: number }[];
  readonly said?: string;
}
const outputOf = (report: Report): Output => report.output as unknown as Output;

const wholeLife = async ({ run, code, text }: Awaited<ReturnType<typeof fixture>>) => {
  const suggested = await code('suggest_changes', 'echo two >> a.txt; echo new > b.txt; echo $KEY');
  assert.equal(suggested.outcome, 'succeeded', suggested.error?.message);
  const { patch, files, said, applied } = outputOf(suggested);
  assert.deepEqual(
    [files.map(({ path }) => path), applied, await text('code/a.txt')],
    [['a.txt', 'b.txt'], false, 'one\n'],
  );
  assert.match(said ?? '', /\[masked\][^]*did: echo two/);
  assert.equal((await run('files', { action: 'read', path: 'code/b.txt' })).error?.code, 'file_missing');
  assert.equal(suggested.artifacts?.[0]?.name, 'changes.patch');

  const checks = [{ command: ['grep', '-q', 'two', 'a.txt'] }];
  const validated = outputOf(await run('coding-agent', { action: 'validate_output', path: 'code', patch, checks }));
  assert.deepEqual([validated.valid, validated.checks[0]?.exit_code, await text('code/a.txt')], [true, 0, 'one\n']);

  const made = await code('execute_edits', 'echo two >> a.txt', { checks });
  assert.deepEqual([made.outcome, outputOf(made).applied, await text('code/a.txt')], ['succeeded', true, 'one\ntwo\n']);

  const broken = await code('execute_edits', 'echo three > a.txt', { checks });
  assert.deepEqual(
    [broken.error?.code, broken.error?.retryable, await text('code/a.txt')],
    ['checks_failed', true, 'one\ntwo\n'],
  );

  // It hides a file from a repository that it has made itself, changes what it may not, and takes a file away.
  const sly =
    'git init -q .; echo evil > .git/info/exclude; echo evil.txt >> .git/info/exclude; mkdir -p .github/workflows; echo x > .github/workflows/ci.yml; echo x > evil.txt; rm a.txt';
  const refused = await code('execute_edits', sly);
  assert.equal(refused.error?.code, 'edits_refused');
  assert.deepEqual(
    outputOf(refused).files.map(({ path }) => path),
    ['.github/workflows/ci.yml', 'a.txt', 'evil.txt'],
  );
  assert.match(refused.error?.message ?? '', /"\.github\/workflows\/ci\.yml" may not be changed/);
  assert.deepEqual([await text('code/a.txt'), await text('code/built')], ['one\ntwo\n', 'x\n']);
  assert.equal((await run('files', { action: 'read', path: 'code/evil.txt' })).error?.code, 'file_missing');

  const rules = { allow: ['src/**'], max_lines: 1 };
  const outside = await code('suggest_changes', 'printf "1\\n2\\n" > a.txt', { rules });
  assert.deepEqual(outputOf(outside).problems, [
    '4 lines are changed; at most 1 may be',
    '"a.txt" is not among what may be changed',
  ]);
  assert.equal((await code('execute_edits', 'true')).error?.code, 'no_changes');
};

test('suggested, validated, made, refused, taken back', async (t) => {
  await wholeLife(await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1' }));
});

const skip = missingSandbox() ?? false;
test('the same in containers', { skip }, async (t) => {
  const { scope, remove } = newScope();
  await wholeLife(await fixture(t, { CAPSTAN_SANDBOX_SCOPE: scope }));
  t.after(remove);
});

test('it is told why its last attempt was not accepted; an agent that fails, or is not configured, is said to', async (t) => {
  const { code, run, world } = await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  const seen: string[] = [];
  world.bus.listen('>', ({ data }) => void seen.push(Buffer.from(data).toString()));
  const again = await run(
    'coding-agent',
    { action: 'suggest_changes', prompt: 'echo $KEY > a.txt', path: 'code' },
    { last_failure: { code: 'checks_failed', message: 'grep ended with 1' } },
  );
  assert.match(outputOf(again).said ?? '', /The last attempt was not accepted: grep ended with 1/);
  assert.match(outputOf(again).patch, /^\+\[masked\]$/m);
  assert.doesNotMatch([...seen, ...world.logged].join(''), /canary/);
  assert.equal((await code('suggest_changes', 'kill -9 $PPID')).error?.code, 'agent_failed');
  const { error } = await code('suggest_changes', 'true', { agent: 'big' });
  assert.match(error?.message ?? '', /^agent: there is no "big"; executor\.coding_agents has small\./);
});

const listed =
  'find . -path ./.git -prune -o -type f -print | sort; git config --list --local; git log --format=%s; ls .git/hooks';

test('nothing is hidden by ignore rules, settings of git, commits, repositories or modes; what the base ignores stays ignored', async (t) => {
  const { code, run } = await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  const shell = async (command: string) => {
    const { outcome, output } = await run('shell', { shell: true, command: `cd code && ${command}` });
    assert.equal(outcome, 'succeeded');
    return (output as { stdout: string }).stdout;
  };
  const ours = 'git -c user.name=a -c user.email=a@b';
  // An ignored file that the repository has all the same; and a cache that ignores itself.
  await shell(
    `git init -q . && mkdir .cache && echo '*' > .cache/.gitignore && git add -A && git add -f built && ${ours} commit -qm first`,
  );
  const before = await shell(listed);
  const rules = { allow: ['src/**', 'a.txt'] };
  for (const [hidden, shown] of [
    ["mkdir evil && echo '*' > evil/.gitignore && echo x > evil/x.sh", ['evil/.gitignore', 'evil/x.sh']],
    ["echo '*' > .gitignore && echo x > x.sh", ['.gitignore', 'x.sh']],
    ["mkdir -p $HOME/.config/git && echo '*' > $HOME/.config/git/ignore; echo x > x.sh", ['x.sh']],
    ["echo '*' > .git/info/exclude; echo x > x.sh", ['x.sh']],
    ['mkdir evil && echo x > evil/x.sh && chmod 0300 evil', ['evil/x.sh']],
    ['echo y > built', ['built']],
  ] as const) {
    const refused = await code('execute_edits', `echo 2 >> a.txt; ${hidden}`, { rules });
    assert.equal(refused.error?.code, 'edits_refused', hidden);
    const paths = outputOf(refused).files.map(({ path }) => path);
    assert.deepEqual(paths, [...shown, 'a.txt'].toSorted(), hidden);
    assert.equal(await shell(listed), before, hidden);
  }
  for (const inside of ['git init -q src', 'mkdir src/.git; echo x > src/.git/x']) {
    const { error } = await code('execute_edits', `mkdir src; ${inside}; echo x > src/x`, { rules });
    assert.deepEqual([error?.code, error?.retryable], ['edits_refused', true]);
    assert.match(error?.message ?? '', /a repository was made in \.\/src\/\.git/);
    assert.equal(await shell(listed), before);
  }
  const kept = await code(
    'execute_edits',
    `echo 2 >> a.txt; echo x > .cache/x; echo x > x.sh; git add -A; ${ours} commit -qm theirs; rm x.sh; git config core.fsmonitor evil; echo evil > .git/hooks/pre-push`,
    { rules },
  );
  assert.deepEqual([kept.outcome, outputOf(kept).files.map(({ path }) => path)], ['succeeded', ['a.txt']]);
  assert.equal(await shell(listed), before.replace('./.cache/.gitignore', './.cache/.gitignore\n./.cache/x'));
});

test('an attempt that fails, or whose checks take too long, leaves nothing behind', async (t) => {
  const { code, run } = await fixture(t, { CAPSTAN_UNSAFE_HOST_SHELL: '1' });
  const failed = await code('execute_edits', 'echo forbidden > Makefile; kill -9 $PPID', {
    rules: { allow: ['a.txt'] },
  });
  assert.equal(failed.error?.code, 'agent_failed');
  assert.equal((await run('files', { action: 'read', path: 'code/Makefile' })).error?.code, 'file_missing');
  const checks = [{ command: ['sleep', '60'], timeout_ms: 50 }];
  assert.equal((await code('execute_edits', 'echo x > b.txt', { checks })).error?.code, 'check_timeout');
  assert.equal((await run('files', { action: 'read', path: 'code/b.txt' })).error?.code, 'file_missing');
  const late = await code('execute_edits', 'echo x > b.txt; exec sleep 60', { timeout_ms: 300 });
  assert.equal(late.error?.code, 'agent_timeout');
  assert.equal((await run('files', { action: 'read', path: 'code/b.txt' })).error?.code, 'file_missing');
});
