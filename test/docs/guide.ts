// A page of the docs as its reader types it: its commands are run, in order, against a system that was started as the page says.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureNatsCli } from '../../tools/nats-cli.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Ran {
  readonly line: number;
  readonly text: string;
  readonly output: string;
}

export interface Guide {
  /** Runs every block of a page in order; each must end as the page says. */
  page(name: string): Promise<Ran[]>;
  /** Runs some lines of shell; they must end with 0. Returns what they print. */
  run(lines: string): Promise<string>;
  /** Why there is no `nats` command: the lines that use it are left out. */
  readonly withoutNats: string | null;
}

/** Starts `capstan up` in a folder of its own, and ends it well. */
export const withGuide = async (act: (guide: Guide) => Promise<void>): Promise<void> => {
  const nats = await ensureNatsCli();
  const folder = mkdtempSync(join(tmpdir(), 'capstan-guide-'));
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
    const page = async (name: string): Promise<Ran[]> => {
      const ran: Ran[] = [];
      for (const block of blocksOf(readFileSync(join(root, 'docs', name), 'utf8'))) {
        const text = nats.path === null ? withoutNats(block.text) : block.text;
        const { code, output } = await runBlock(text, block.terminal, folder, env);
        assert.equal(code, block.expect, `docs/${name}:${block.line} ended with ${code}:\n${text}\n${output}`);
        assert.doesNotMatch(
          output,
          /\b(undefined|NaN|\[object Object\])\b/,
          `docs/${name}:${block.line} prints nonsense:\n${output}`,
        );
        ran.push({ line: block.line, text, output });
      }
      return ran;
    };
    await act({
      page,
      run: async (lines) => {
        const { code, output } = await runBlock(lines, false, folder, env);
        assert.equal(code, 0, `${lines}\n${output}`);
        return output;
      },
      withoutNats: nats.path === null ? nats.reason : null,
    });
  } finally {
    const ended = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGTERM');
    assert.equal(await ended, 0, 'capstan up drains and ends with 0');
    rmSync(folder, { recursive: true, force: true });
  }
};

interface Block {
  readonly text: string;
  readonly line: number;
  readonly expect: number;
  /** It pages, and so wants a terminal. */
  readonly terminal: boolean;
}

/** The fenced blocks that are marked `sh`; `expect=1` says with which code the last command ends, `terminal` that it is run in one. */
const blocksOf = (markdown: string): Block[] => {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^```sh(\s+terminal)?(?:\s+expect=(\d+))?\s*$/.exec(lines[at] as string);
    if (fence === null) continue;
    const end = lines.indexOf('```', at + 1);
    blocks.push({
      text: lines.slice(at + 1, end).join('\n'),
      line: at + 2,
      expect: Number(fence[2] ?? 0),
      terminal: fence[1] !== undefined,
    });
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

const runBlock = (
  block: string,
  terminal: boolean,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    // `script` lends a terminal to what wants one.
    const command = terminal ? ['script', '-qec', block, '/dev/null'] : ['bash', '-e', '-c', block];
    const child = execFile(
      command[0] as string,
      command.slice(1),
      { cwd, env, timeout: 60_000 },
      (error, stdout, stderr) => {
        resolve({
          code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
          output: `${stdout}${stderr}`,
        });
      },
    );
    child.stdin?.end();
  });
