// Builds the real Pulumi CLI and its language host for Node.js from the modules in tools/pulumi, and installs what programs import: for
// test/sandbox/pulumi.test.ts, which is left out where this has not been run. It takes five minutes on two cores and a gigabyte of disk.
//   node tools/bootstrap.mjs tools/pulumi.ts
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { findGo, runGo } from './go.mjs';
import { withLock } from './lock.mjs';

const root = join(import.meta.dirname, '..');
const modules = join(root, 'tools', 'pulumi');
const version = '3.259.0';

/** Where it is, or would be: with `bin` and `node_modules` in it. */
export const pulumiFolder = (): { readonly folder: string; readonly there: boolean } => {
  const key = createHash('sha256');
  for (const name of globSync('**/{go.mod,go.sum,package-lock.json}', {
    cwd: modules,
    exclude: ['**/node_modules'],
  }).sort())
    key.update(readFileSync(join(modules, name)));
  const folder = join(root, '.cache', `pulumi-${key.digest('hex').slice(0, 12)}`);
  return { folder, there: existsSync(folder) };
};

const build = async (folder: string): Promise<void> => {
  const go = findGo();
  if (!go) throw new Error('Go is not installed');
  const fresh = `${folder}.${process.pid}`;
  const bin = join(fresh, 'bin');
  mkdirSync(bin, { recursive: true });
  try {
    const env = { GOFLAGS: '', GOWORK: 'off' };
    const flags = ['-mod=readonly', '-buildvcs=false', '-trimpath'];
    const named = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`;
    const host = 'pulumi-language-nodejs';
    const [cli, nodejs] = [join(modules, 'cli'), join(modules, 'nodejs')];
    await runGo(go, ['build', ...flags, '-o', join(bin, host), `github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/${host}`], {
      cwd: nodejs,
      env,
    });
    await runGo(
      go,
      ['build', ...flags, '-ldflags', named, '-o', join(bin, 'pulumi'), 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi'],
      { cwd: cli, env },
    );
    // Resources that a program brings itself are served by this script, which is published beside the language host.
    const listed = spawnSync(go, ['list', '-m', '-f', '{{.Dir}}', 'github.com/pulumi/pulumi/sdk/v3'], {
      cwd: nodejs,
      encoding: 'utf8',
    });
    const provider = join(bin, 'pulumi-resource-pulumi-nodejs');
    copyFileSync(join(listed.stdout.trim(), 'nodejs/dist/pulumi-resource-pulumi-nodejs'), provider);
    chmodSync(provider, 0o755);
    for (const name of ['package.json', 'package-lock.json']) cpSync(join(modules, name), join(fresh, name));
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: fresh,
      stdio: ['ignore', 2, 2],
    });
    if (npm.status !== 0) throw new Error('npm could not install @pulumi/pulumi');
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
};

if (import.meta.main) {
  const { folder, there } = pulumiFolder();
  if (!there) await withLock(`${folder}.lock`, () => (existsSync(folder) ? undefined : build(folder)));
  process.stdout.write(`${folder}\n`);
}
