// A Python with what the example agent needs, in a virtual environment of its own under .cache; or why there is none.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const requirements = join(root, 'examples/python-agent/requirements.txt');

export type PythonEnvironment = { readonly python: string } | { readonly missing: string };

/** Installs on the first call, which takes seconds and asks the package index; afterwards it is only looked up. */
export const pythonEnvironment = (): PythonEnvironment => {
  const version = run('python3', ['-c', 'import sys; print(*sys.version_info[:3], sep=".")']);
  if (version.failed) return { missing: `there is no python3 on the PATH (${version.said})` };
  const [major = 0, minor = 0] = version.said.split('.').map(Number);
  if (major < 3 || (major === 3 && minor < 9))
    return { missing: `python3 is ${version.said}, and the agent needs 3.9` };

  const key = createHash('sha256').update(version.said).update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(root, '.cache/python-agent', key);
  const python = join(folder, 'bin/python');
  const complete = join(folder, 'complete');
  if (existsSync(complete) && !run(python, ['-c', 'import nats']).failed) return { python };

  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const made = run('python3', ['-m', 'venv', folder]);
  if (made.failed) return { missing: `python3 can't make a virtual environment (${made.said})` };
  const patience = ['--retries', '1', '--timeout', '15', '--disable-pip-version-check', '--quiet'];
  const installed = run(python, ['-m', 'pip', 'install', ...patience, '--require-hashes', '-r', requirements]);
  if (installed.failed) {
    // Only a package index out of reach excuses the test; anything else in the requirements is our mistake.
    if (unreachable.test(installed.said))
      return { missing: `pip can't reach a package index (${lastLine(installed.said)})` };
    throw new Error(`pip could not install ${requirements}:\n${installed.said}`);
  }
  writeFileSync(complete, '');
  return { python };
};

const unreachable =
  /NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable|Temporary failure in name/i;

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

const run = (command: string, options: readonly string[]): { failed: boolean; said: string } => {
  const { error, status, stdout, stderr } = spawnSync(command, options, { encoding: 'utf8', timeout: 120_000 });
  if (error) return { failed: true, said: error.message };
  return status === 0 ? { failed: false, said: stdout.trim() } : { failed: true, said: `${stdout}${stderr}`.trim() };
};
