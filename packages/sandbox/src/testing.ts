// For tests that run commands: a sandbox on the engine of this machine, or why there is none.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** Makes the base image where it is missing. What it returns is a reason to skip, said loudly; undefined where commands can run. */
export const missingSandbox = (): string | undefined => {
  const why = whatIsMissing();
  if (why !== undefined) process.stderr.write(`\n*** SKIPPED, nothing is run in a sandbox here: ${why} ***\n\n`);
  return why;
};

const whatIsMissing = (): string | undefined => {
  if (process.platform !== 'linux')
    return `its image is made of a Linux machine, and this one runs ${process.platform}`;
  const engine = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (engine.error) return `docker can't be run (${engine.error.message})`;
  if (engine.status !== 0)
    return `no Docker Engine answers (${engine.stderr.trim().split('\n').at(-1)}); as root on Debian, deploy/docker-engine.sh brings one`;
  const made = spawnSync('sh', [join(root, 'deploy/sandbox-image.sh')], { encoding: 'utf8', timeout: 300_000 });
  return made.status === 0 ? undefined : (made.stderr.trim().split('\n').at(-1) ?? 'its image could not be made');
};

/** A scope of its own for `sandbox.scope`; what tasks leave in it is removed by `remove`, which says what was left beside their files. */
export const newScope = (): { readonly scope: string; remove(): string[] } => {
  const scope = `test-${process.pid}-${Date.now().toString(36)}`;
  const list = (...args: string[]): string[] =>
    spawnSync('docker', [...args, '--filter', `label=capstan.sandbox.scope=capstan-${scope}`], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean);
  return {
    scope,
    remove: () => {
      const containers = list('ps', '--all', '--quiet');
      if (containers.length > 0) spawnSync('docker', ['rm', '--force', ...containers]);
      // One that a container is just being taken from is in use for a moment.
      for (let tries = 0; tries < 50; tries++) {
        const volumes = list('volume', 'ls', '--quiet');
        if (volumes.length === 0) break;
        spawnSync('docker', ['volume', 'rm', ...volumes]);
      }
      return containers;
    },
  };
};
