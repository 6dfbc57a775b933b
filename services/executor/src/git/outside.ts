// git outside the sandbox, for what needs a token: fetching and pushing, to and from a repository of our own that is thrown away after.
// Nothing of the workspace is ever a repository here, so no hook, filter or configuration that a step has left can run.
import { spawn } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { addressesAllowed, reject, retry, Stopped } from '@capstan/kit';
import { keepGroup, killGroup, letGroupGo } from '@capstan/sandbox';
import { outcomeOf, placesOf } from '../outbound.ts';
import type { ToolContext } from '../tool.ts';
import { watchSize } from './watch-size.ts';

export interface Remote {
  /** As git takes it. */
  readonly url: string;
  /** As it may be shown and stored. */
  readonly shown: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Credentials {
  readonly token?: string | undefined;
  readonly username: string;
}

/** Checks where it leads. Throws `Stopped`. */
export const remoteOf = async (repository: string, credentials: Credentials, context: ToolContext): Promise<Remote> => {
  const { username } = credentials;
  if (repository.startsWith('/') || repository.startsWith('file://')) return localRemote(repository, context);
  const short = /^[\w.-]+\/[\w.-]+$/.test(repository);
  const text = short ? `https://github.com/${repository}.git` : repository;
  if (!/^https?:\/\//.test(text))
    throw new Stopped(
      reject(
        'git_refused',
        `repository: "${repository.slice(0, 100)}" is reached neither by https: nor as a folder; write https://host/owner/name.git, or owner/name for GitHub.`,
      ),
    );
  const { host, port, addresses } = await addressesAllowed(text, placesOf(context), context.signal).catch(
    (error: unknown) => {
      throw new Stopped(outcomeOf(error), { cause: error });
    },
  );
  const { origin, href } = new URL(text);
  const token = credentials.token ?? (await tokenFor(host, context));
  const settings: [string, string][] = [
    // The very addresses that were checked; a name that answers otherwise a moment later changes nothing.
    [
      'http.curloptResolve',
      `${host}:${port}:${addresses.map((one) => (one.includes(':') ? `[${one}]` : one)).join(',')}`,
    ],
    // A redirect would lead where nobody has checked.
    ['http.followRedirects', 'false'],
  ];
  if (token !== undefined) {
    const proof = Buffer.from(`${username}:${token}`).toString('base64');
    context.secret(proof);
    settings.push([`http.${origin}/.extraHeader`, `Authorization: Basic ${proof}`]);
  }
  return { url: href, shown: href, env: asEnvironment(settings) };
};

/** Where a token for GitHub is configured, its repositories are had with it. */
const tokenFor = async (
  host: string,
  { config, resolve: resolveSecret, secret }: ToolContext,
): Promise<string | undefined> => {
  const { base_url: api, token } = config.own.github;
  const home = new URL(api).hostname.replace(/^api\./, '');
  if (token === undefined || host !== home) return undefined;
  const value = (await resolveSecret(token)) as string;
  secret(value);
  return value;
};

const localRemote = async (repository: string, { config }: ToolContext): Promise<Remote> => {
  const path = resolve(repository.replace(/^file:\/\//, ''));
  const real = await realpath(path).catch(() => path);
  const { local } = config.own.git;
  const allowed = local.some((pattern) =>
    pattern.endsWith('*') ? real.startsWith(pattern.slice(0, -1)) : real === pattern,
  );
  if (!allowed)
    throw new Stopped(
      reject(
        'git_refused',
        `repository: the folder ${path} is not given to tasks. Add it to executor.git.local in the configuration, or to CAPSTAN_GIT_LOCAL.`,
      ),
    );
  return { url: `file://${real}`, shown: `file://${real}`, env: {} };
};

/** In the environment, and not among the arguments, which everybody on the machine can read. */
const asEnvironment = (settings: readonly [string, string][]): Record<string, string> => ({
  GIT_CONFIG_COUNT: String(settings.length),
  ...Object.fromEntries(
    settings.flatMap(([key, value], at) => [
      [`GIT_CONFIG_KEY_${at}`, key],
      [`GIT_CONFIG_VALUE_${at}`, value],
    ]),
  ),
});

/** What every git is told, wherever it runs. */
export const disarmed = [
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.pager=cat',
  '-c',
  'commit.gpgSign=false',
  '-c',
  'submodule.recurse=false',
  '-c',
  'credential.helper=',
  '-c',
  'protocol.ext.allow=never',
  '-c',
  'gc.auto=0',
];

/** A folder that is gone when the work in it is over, or when an executor is next started where this one was killed in between. */
export const withFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), `capstan-git-${process.pid}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const errorBytesMax = 16 * 1_024;

/** What it prints; neither that nor its folder may be larger than one clone. Throws `Stopped` with what it said, the token masked. */
export const runOutside = async (
  args: readonly string[],
  folder: string,
  remote: Remote | null,
  context: ToolContext,
): Promise<Buffer> => {
  const { signal, log, masked, config } = context;
  const bytesMax = config.own.git.clone_mb * 1_024 * 1_024;
  const startedAt = performance.now();
  signal.throwIfAborted();
  const child = spawn(
    'git',
    [...disarmed, '-c', 'transfer.fsckObjects=true', '-c', 'transfer.bundleURI=false', ...args],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: git starts programs that do the talking.
      detached: true,
      env: {
        PATH: process.env['PATH'] ?? '/usr/bin:/bin',
        HOME: folder,
        LANG: 'C.UTF-8',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_TERMINAL_PROMPT: '0',
        GIT_ALLOW_PROTOCOL: 'https:http:file',
        ...remote?.env,
      },
    },
  );
  const { pid } = child;
  // An executor that is killed takes it along: its order is delivered again, and would be done by two at a time.
  if (pid !== undefined) keepGroup(pid);
  const stop = () => pid !== undefined && killGroup(pid, 'SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  let isTooLarge = false;
  const onTooLarge = () => {
    isTooLarge = true;
    stop();
  };
  const unwatch = watchSize(folder, bytesMax, onTooLarge);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  let size = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > bytesMax) onTooLarge();
    else out.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  try {
    const code = await new Promise<number | null>((ended, failed) => {
      child.once('error', failed);
      child.once('close', ended);
    });
    const told = {
      command: `git ${args[0]}`,
      repository: remote?.shown,
      ms: Math.round(performance.now() - startedAt),
    };
    if (remote) log.info({ ...told, exit_code: code }, 'Request.');
    signal.throwIfAborted();
    if (isTooLarge)
      throw new Stopped(
        reject(
          'git_too_large',
          `git ${args[0]}: the repository has more than ${config.own.git.clone_mb} MB. executor.git.clone_mb (CAPSTAN_GIT_CLONE_MB) allows more, where the folder for temporary files of the executor (TMPDIR) and its memory have room for it.`,
        ),
      );
    const said = masked(Buffer.concat(err).subarray(-errorBytesMax).toString('utf8')).trim();
    if (code !== 0) throw new Stopped(failureOf(args[0] as string, said));
    return Buffer.concat(out);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Stopped(
      reject('git_missing', 'There is no git beside this executor. Install it, or use an image that has it.'),
      { cause: error },
    );
  } finally {
    unwatch();
    signal.removeEventListener('abort', stop);
    stop();
    if (pid !== undefined) letGroupGo(pid);
  }
};

const failureOf = (verb: string, said: string) => {
  const last = said.split('\n').slice(-4).join(' ').slice(-600);
  const words = `git ${verb} failed: ${last}`;
  if (/No space left on device/i.test(said))
    return reject(
      'git_too_large',
      `${words} The folder for temporary files of the executor has no room for the repository; TMPDIR names another.`,
    );
  if (/Authentication failed|could not read Username|403|401|Permission denied|not found/i.test(said))
    return reject('git_denied', words);
  if (/non-fast-forward|fetch first|stale info|rejected/i.test(said)) return reject('git_rejected', words);
  if (/Refusing to create empty bundle|does not appear to be a git repository|does not exist/i.test(said))
    return reject('git_no_repository', words);
  return retry('git_failed', words);
};
