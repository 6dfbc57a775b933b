// The image of examples/coding-agents with the real programs in it, installed from npm as its lock file pins them. Both are kept: the programs
// under .cache, the image on the engine, under a name that tells what is in it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';

const root = join(import.meta.dirname, '..');
const example = join(root, 'examples/coding-agents');
const repository = 'capstan-test-coding-agents';

/** Its name, or why it can't be had. */
export const ensureCodingAgents = async (): Promise<{ readonly image: string } | { readonly reason: string }> => {
  if (process.arch !== 'x64') return { reason: `its lock file has the programs for x64, and this is ${process.arch}` };
  const key = createHash('sha256');
  for (const name of ['package-lock.json', 'Dockerfile']) key.update(readFileSync(join(example, name)));
  const folder = join(root, '.cache', `coding-agents-${key.copy().digest('hex').slice(0, 12)}`);
  const base = docker('image', 'inspect', '--format', '{{.Id}}', 'capstan/sandbox');
  const image = `${repository}:${key.update(base.stdout).digest('hex').slice(0, 16)}`;
  return withLock(`${folder}.lock`, () => {
    if (docker('image', 'inspect', image).status === 0) return { image };
    const failed = existsSync(folder) ? undefined : install(folder);
    if (failed !== undefined) return { reason: failed };
    const old = docker('images', '--quiet', repository).stdout.split('\n').filter(Boolean);
    if (old.length > 0) docker('rmi', '--force', ...old);
    const built = docker('build', '--quiet', '--tag', image, folder);
    return built.status === 0 ? { image } : { reason: built.stderr };
  });
};

const docker = (...args: string[]) =>
  spawnSync('docker', args, { encoding: 'utf8', env: { ...process.env, DOCKER_BUILDKIT: '0' } });

const install = (folder: string): string | undefined => {
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  for (const name of ['package.json', 'package-lock.json', 'Dockerfile'])
    cpSync(join(example, name), join(fresh, name));
  const { status, stderr, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: fresh,
    encoding: 'utf8',
    timeout: 180_000,
  });
  if (status === 0) {
    renameSync(fresh, folder);
    return undefined;
  }
  rmSync(fresh, { recursive: true, force: true });
  return `npm could not install them: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
};
