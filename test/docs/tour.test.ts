// The tour as its reader types it: every command of docs/tour.md is run, in order, against a system that was started as the tour says.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { ensureNatsCli } from '../../tools/nats-cli.ts';

const root = join(import.meta.dirname, '..', '..');

interface Block {
  readonly text: string;
  readonly line: number;
  readonly expect: number;
}

/** The fenced blocks that are marked `sh`; `expect=1` says with which code the last command ends. */
const blocksOf = (markdown: string): Block[] => {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^```sh(?:\s+expect=(\d+))?\s*$/.exec(lines[at] as string);
    if (fence === null) continue;
    const end = lines.indexOf('```', at + 1);
    blocks.push({ text: lines.slice(at + 1, end).join('\n'), line: at + 2, expect: Number(fence[1] ?? 0) });
    at = end;
  }
  return blocks;
};

/** Without the `nats` command its lines are left out, which is said. */
const withoutNats = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('nats '))
    .join('\n');

const readyUrl = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error('no output to read');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const ready = /^ready (nats:\/\/\S+)/.exec(line);
      if (ready !== null) resolve(ready[1] as string);
    });
    child.once('exit', (code) => reject(new Error(`capstan up ended with ${code} before it was ready`)));
  });

const runBlock = (block: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = execFile('bash', ['-e', '-c', block], { cwd, env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({
        code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
        output: `${stdout}${stderr}`,
      });
    });
    child.stdin?.end();
  });

test('the tour works as typed', { timeout: 240_000 }, async (t) => {
  const nats = await ensureNatsCli();
  if (nats.path === null)
    t.diagnostic(`SKIPPED: the lines of the tour that use the nats command, since ${nats.reason}`);
  const folder = mkdtempSync(join(tmpdir(), 'capstan-tour-'));
  const data = join(folder, '.capstan');
  mkdirSync(data);
  for (const name of ['bin', 'examples']) symlinkSync(join(root, name), join(folder, name));
  const path = [
    ...(nats.path === null ? [] : [dirname(nats.path)]),
    dirname(process.execPath),
    process.env['PATH'],
  ].join(delimiter);
  const { CAPSTAN_NATS_URL: _, NATS_URL: __, ...inherited } = process.env;
  const up = spawn(
    process.execPath,
    [join(root, 'packages/cli/src/main.ts'), 'up', '--no-demo', '--port', '0', '--data', data],
    {
      cwd: root,
      env: { ...inherited, PATH: path },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    const url = await readyUrl(up);
    const env = { ...inherited, PATH: path, CAPSTAN_NATS_URL: url, NATS_URL: url };
    const blocks = blocksOf(readFileSync(join(root, 'docs', 'tour.md'), 'utf8'));
    assert.ok(blocks.length >= 8, `the tour has ${blocks.length} blocks`);
    for (const block of blocks) {
      const text = nats.path === null ? withoutNats(block.text) : block.text;
      const { code, output } = await runBlock(text, folder, env);
      assert.equal(code, block.expect, `docs/tour.md:${block.line} ended with ${code}:\n${text}\n${output}`);
      assert.doesNotMatch(
        output,
        /\b(undefined|NaN|\[object Object\])\b/,
        `docs/tour.md:${block.line} prints nonsense:\n${output}`,
      );
    }
  } finally {
    const ended = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGTERM');
    assert.equal(await ended, 0, 'capstan up drains and ends with 0');
    rmSync(folder, { recursive: true, force: true });
  }
});
