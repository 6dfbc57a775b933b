// Everything that can be said about the code without running it. All checks run, whatever the first ones find.
//   npm run check             format, lint, types, unused things
//   npm run check -- --fix    writes what can be put right without thinking
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  readonly advice: string;
}

const { fix } = parseArgs({ options: { fix: { type: 'boolean', default: false } } }).values;
const root = join(import.meta.dirname, '..');

const checks: readonly Check[] = [
  {
    name: 'format',
    command: ['biome', 'format', '--reporter=summary', ...(fix ? ['--write'] : [])],
    advice: 'npm run check -- --fix',
  },
  {
    name: 'lint',
    command: ['oxlint', '--type-aware', '--deny-warnings', ...(fix ? ['--fix'] : [])],
    advice: 'each finding says what to use instead; .oxlintrc.json says why a rule is off',
  },
  { name: 'types', command: ['tsc', '-b'], advice: 'tsc -b --watch follows while you edit' },
  {
    name: 'unused',
    command: ['knip', '--no-config-hints'],
    advice: 'delete it, or make it an entry in knip.json where something outside starts it',
  },
];

let failed = 0;
for (const check of checks) if (!(await passes(check))) failed++;
process.stdout.write(`${checks.length - failed} checks passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

async function passes({ name, command, advice }: Check): Promise<boolean> {
  const started = performance.now();
  const [program = '', ...args] = command;
  // Their output comes through a pipe, so they cannot see for themselves whether there is a terminal.
  const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' };
  const file = join(root, 'node_modules', '.bin', program);
  const child = spawn(file, args, { cwd: root, env: { ...process.env, ...color }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? '✓' : '✗'} ${name.padEnd(7)} ${seconds} s\n`);
  if (code !== 0) process.stdout.write(`${Buffer.concat(output).toString().trim()}\n  → ${advice}\n\n`);
  return code === 0;
}
