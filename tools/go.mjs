// Runs the machine's Go, where there is one. Which modules are built is not known here.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @returns {string | undefined} path of the go command; its usual folder is often not on the PATH */
export function findGo() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin', '/usr/lib/go/bin'];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, 'go'))
    .find((file) => existsSync(file));
}

/**
 * Runs one go command with its output on stderr. Proxy and checksum settings are the environment's own.
 * @param {string} go
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string> }} [options]
 * @returns {Promise<void>}
 */
export async function runGo(go, args, { cwd = root, env = {} } = {}) {
  // Go refuses to start without a home for its caches.
  const home = process.env.HOME || join(root, '.cache', 'home');
  const child = spawn(go, args, {
    cwd,
    env: { ...process.env, HOME: home, CGO_ENABLED: '0', ...env },
    stdio: ['ignore', 2, 2],
  });
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  if (code !== 0) throw new Error(`go ${args[0]} exit ${code}`);
}
