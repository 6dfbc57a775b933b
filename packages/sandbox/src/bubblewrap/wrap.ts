// The words that put a command into namespaces of its own. Never as real root: whoever is root could then write to /proc/sys of the machine.
import { existsSync } from 'node:fs';

export const places = { workspace: '/sandbox/workspace', aside: '/sandbox/aside', home: '/sandbox/home' } as const;
/** As whom commands run where this process is root. */
export const unprivileged = 10_001;

export interface WrapParts {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Whether the environment of the command comes by a descriptor (`environmentArguments`): everybody on the machine can read arguments. */
  readonly hasEnvironment: boolean;
  /** Folders of this host. */
  readonly workspace: string;
  readonly aside: string;
  readonly tmpMb: number;
  readonly fileMb: number;
  readonly asRoot: boolean;
}

/** Not through the environment of these programs themselves, which a step could then make load what it likes. */
const environmentFd = 3;
export const environmentArguments = (env: Readonly<Record<string, string>>): string =>
  Object.entries(env)
    .flatMap(([name, value]) => ['--setenv', name, value])
    .map((word) => `${word}\0`)
    .join('');

const MiB = 1_024 * 1_024;
/** What programs need beside /usr, and what says nothing about this machine. */
const readable = ['/etc/alternatives', '/etc/ssl/certs', '/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d'];

export const wrap = (parts: WrapParts): [string, ...string[]] => {
  const user = String(unprivileged);
  return [
    ...(parts.asRoot ? ['setpriv', '--reuid', user, '--regid', user, '--clear-groups', '--no-new-privs'] : []),
    ...['prlimit', `--fsize=${parts.fileMb * MiB}`, '--core=0', '--nofile=4096'],
    'bwrap',
    // All of them, and no others inside: a user namespace opens the door to most of what was wrong with kernels.
    ...['--unshare-user', '--unshare-all', '--disable-userns', '--die-with-parent', '--new-session'],
    ...['--uid', user, '--gid', user, '--hostname', 'sandbox', '--clearenv'],
    ...(parts.hasEnvironment ? ['--args', String(environmentFd)] : []),
    ...['--ro-bind', '/usr', '/usr'],
    ...['bin', 'sbin', 'lib', 'lib32', 'lib64'].flatMap((name) =>
      existsSync(`/${name}`) ? ['--symlink', `usr/${name}`, `/${name}`] : [],
    ),
    ...readable.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...[
      '--size',
      String(parts.tmpMb * MiB),
      '--tmpfs',
      '/tmp',
      '--size',
      String(parts.tmpMb * MiB),
      '--tmpfs',
      places.home,
    ],
    ...['--bind', parts.workspace, places.workspace, '--ro-bind', parts.aside, places.aside],
    ...['--remount-ro', '/', '--chdir', parts.cwd, '--'],
    ...parts.argv,
  ] as [string, ...string[]];
};
