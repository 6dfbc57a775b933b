// Builds the pinned `nats` command from tools/nats-cli/go.mod. Nothing of ours needs it to run: it is for looking
// into a running system, so where Go is not installed there is a reason instead of an error.
//   node tools/bootstrap.mjs tools/nats-cli.ts
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findGo, runGo } from './go.mjs';
import { withLock } from './lock.mjs';

const root = join(import.meta.dirname, '..');
const bin = join(root, '.cache', 'bin');
const cli = join(bin, 'nats');
const stamp = `${cli}.version`;
const module = join(root, 'tools', 'nats-cli');

export type NatsCli =
  | { readonly path: string; readonly reason?: never }
  | { readonly path: null; readonly reason: string };

export async function ensureNatsCli(): Promise<NatsCli> {
  const version = /natscli (v\S+)/.exec(readFileSync(join(module, 'go.mod'), 'utf8'))?.[1] ?? 'unknown';
  const isCurrent = (): boolean => existsSync(cli) && existsSync(stamp) && readFileSync(stamp, 'utf8') === version;
  if (isCurrent()) return { path: cli };
  const go = findGo();
  if (!go) return { path: null, reason: 'Go is not installed' };
  try {
    await withLock(join(root, '.cache', 'nats-cli.lock'), () => (isCurrent() ? undefined : build(go, version)));
    return { path: cli };
  } catch (error) {
    return { path: null, reason: error instanceof Error ? error.message : String(error) };
  }
}

async function build(go: string, version: string): Promise<void> {
  process.stderr.write(`building natscli ${version} with Go; this takes a minute or two\n`);
  mkdirSync(bin, { recursive: true });
  const fresh = `${cli}.${process.pid}`;
  try {
    // A module of its own and not `go install ...@version`: its go.sum pins every dependency, and no other
    // server needs to be asked for checksums.
    const args = [
      'build',
      '-mod=readonly',
      '-buildvcs=false',
      '-trimpath',
      '-o',
      fresh,
      'github.com/nats-io/natscli/nats',
    ];
    await runGo(go, args, { cwd: module, env: { GOFLAGS: '', GOWORK: 'off' } });
    renameSync(fresh, cli);
    writeFileSync(stamp, version);
  } finally {
    rmSync(fresh, { force: true });
  }
}

if (import.meta.main) {
  const { path, reason } = await ensureNatsCli();
  if (path) process.stdout.write(`${path}\n`);
  else process.stderr.write(`no nats command: ${reason}\n`);
  process.exitCode = path ? 0 : 1;
}
