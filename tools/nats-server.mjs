// Finds or fetches a nats-server that is new enough. Run as a program it prints the path on stdout, and what it
// does on stderr, so that `capstan up` can ask for it without importing from here.
//   node tools/nats-server.mjs
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findGo, runGo } from './go.mjs';
import { withLock } from './lock.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, '.cache', 'bin');
const cached = join(bin, 'nats-server');

const oldest = '2.12.5'; // older ones lose messages of work queues (nats-server 7817)
const goVersion = 'v2.15.1';
// The newest release whose checksums are published apart from the release itself, in nats-io/nats-docker.
const release = {
  version: '2.14.5',
  sha256: {
    x64: ['amd64', '5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355'],
    arm64: ['arm64', '673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c'],
  },
};

/** @type {{ name: string, skip: () => string | undefined, fetchTo: (folder: string) => Promise<void> }[]} */
const sources = [
  {
    // First, because it takes two seconds where it works, and says at once where it does not.
    name: "Debian's package",
    skip: () => (existsSync('/usr/lib/apt/apt-helper') ? undefined : 'not a Debian-like system'),
    fetchTo: (folder) => runQuietly(join(root, 'tools', 'nats-from-debian.sh'), [folder]),
  },
  {
    name: `the official release ${release.version}`,
    skip: () =>
      process.platform === 'linux' && process.arch in release.sha256
        ? undefined
        : `no checksum for ${process.platform}-${process.arch}`,
    fetchTo: fetchRelease,
  },
  {
    name: `go install ${goVersion}`,
    skip: () => (findGo() ? undefined : 'Go is not installed'),
    fetchTo: async (folder) => {
      say(`building ${goVersion} with Go; this takes a minute`);
      const env = { GOBIN: folder, GOFLAGS: '-mod=mod' };
      await runGo(findGo(), ['install', `github.com/nats-io/nats-server/v2@${goVersion}`], { env });
    },
  },
];

/** @returns {Promise<string>} path of a nats-server that starts and is new enough */
export async function ensureNatsServer() {
  const named = process.env.CAPSTAN_NATS_SERVER;
  if (named) {
    // Whoever names one wants that one: never another behind their back.
    if (!isUsable(named)) throw new Error(`CAPSTAN_NATS_SERVER=${named} is not a nats-server >= ${oldest}`);
    return taken(named, 'CAPSTAN_NATS_SERVER');
  }
  const ready = onPath() ?? inCache();
  if (ready) return ready;
  const onWait = (owner) => say(`waiting for another download (${owner})`);
  return withLock(join(root, '.cache', 'nats-server.lock'), async () => inCache() ?? (await fetchFirst()), { onWait });
}

function onPath() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder && folder !== bin);
  const found = folders
    .map((folder) => join(folder, 'nats-server'))
    .filter((file) => existsSync(file))
    .find(isUsable);
  return found && taken(found, 'the PATH');
}

function inCache() {
  return isUsable(cached) ? taken(cached, 'the cache') : undefined;
}

async function fetchFirst() {
  const refusals = [];
  for (const { name, skip, fetchTo } of sources) {
    const folder = join(bin, `fetch.${process.pid}`);
    try {
      const reason = skip();
      if (reason) throw new Error(reason);
      say(`fetching nats-server: ${name}`);
      mkdirSync(folder, { recursive: true });
      await fetchTo(folder);
      const file = join(folder, 'nats-server');
      if (!isUsable(file)) throw new Error('what came does not start');
      renameSync(file, cached); // whoever looks meanwhile sees nothing or the whole file
      return taken(cached, name);
    } catch (error) {
      const { cause, message } = error;
      refusals.push(`  ${name}: ${cause?.message ?? message}`); // fetch() tells only in the cause what went wrong
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const advice = `Install nats-server >= ${oldest} and put it on the PATH, or name it in CAPSTAN_NATS_SERVER.`;
  throw new Error(['there is no nats-server here, and none could be fetched:', ...refusals, advice].join('\n'));
}

async function fetchRelease(folder) {
  const [arch, sha256] = release.sha256[process.arch];
  const name = `nats-server-v${release.version}-linux-${arch}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${release.version}/${name}.tar.gz`;
  const archive = join(folder, 'archive.tar.gz');
  const abort = new AbortController();
  // Where the host is out of reach the answer never begins; where it begins, the rest may take its time.
  const unanswered = setTimeout(() => abort.abort(new Error('no answer within 5 s')), 5_000);
  const response = await fetch(url, { signal: abort.signal }).finally(() => clearTimeout(unanswered));
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new Error('the checksum is not the pinned one');
  writeFileSync(archive, bytes);
  await runQuietly('tar', ['-xzf', archive, '-C', folder, '--strip-components=1', `${name}/nats-server`]);
}

async function runQuietly(file, args) {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  if (code !== 0) throw new Error(said.trim().split('\n').slice(-2).join(' ') || `exit ${code}`);
}

function isUsable(file) {
  const version = versionOf(file);
  return version !== undefined && version.localeCompare(oldest, 'en', { numeric: true }) >= 0;
}

function versionOf(file) {
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' });
  return /v(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

function taken(file, from) {
  say(`nats-server ${versionOf(file)} from ${from}: ${file}`);
  return file;
}

function say(message) {
  process.stderr.write(`${message}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await ensureNatsServer()}\n`);
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
