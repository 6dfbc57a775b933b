// The sandbox on bubblewrap, for a machine without an engine, and only where the configuration says so: namespaces without a network, but no
// limit of memory, processes or processors, and no filter of system calls. A step that asks for what is missing here is refused.
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { Order } from '@capstan/contracts';
import { type Config, reject, retry, Stopped } from '@capstan/kit';
import { newCapture } from '../capture.ts';
import { commandEnvironment } from '../environment.ts';
import { newDirectories } from '../host/directories.ts';
import { folderWorkspace } from '../host/folder-workspace.ts';
import { runOnHost } from '../host/run-on-host.ts';
import type { Command, CommandResult, Sandbox } from '../sandbox.ts';
import { environmentArguments, places, unprivileged, wrap } from './wrap.ts';

export const inBubblewrap = (config: Config, scope: string): Sandbox => {
  const asRoot = process.getuid?.() === 0;
  // As root it has to be where another user gets to.
  const root =
    asRoot || config.workspaces === undefined ? join(tmpdir(), `capstan-bubblewrap-${scope}`) : config.workspaces;
  const directories = newDirectories('bubblewrap', root);
  // Whoever commands run as must get through to a folder whose name it knows, and see no others.
  const made = mkdir(root, { recursive: true }).then(() => (asRoot ? chmod(root, 0o711) : undefined));
  made.catch(() => {});
  const why = whatIsWrong(asRoot);
  const { defaults, tmp_mb: tmpMb } = config.sandbox;
  return {
    kind: 'bubblewrap',
    wrong: () => why,
    open: async (order, context) => {
      if (why !== null) throw new Stopped(retry('sandbox_unavailable', why));
      refuseUnheld(order);
      await made;
      const { path, release } = await directories.use(order.task_id);
      const aside = `${path}.aside`;
      await mkdir(aside, { recursive: true, mode: 0o755 });
      if (asRoot) await chown(path, unprivileged, unprivileged);
      const run = (command: Command): Promise<CommandResult> => {
        if ((command.egress?.length ?? 0) > 0 || command.image !== undefined)
          throw new Stopped(reject('sandbox_cannot', cannot(command.image === undefined ? 'egress' : 'image')));
        const cwd = posix.resolve(places.workspace, command.cwd ?? '.');
        const env = {
          PATH: '/usr/local/bin:/usr/bin:/bin',
          TMPDIR: '/tmp',
          ...commandEnvironment(order, places.home),
          ...command.env,
        };
        return runOnHost({
          argv: wrap({
            argv: command.argv,
            cwd,
            hasEnvironment: true,
            workspace: path,
            aside,
            tmpMb,
            fileMb: defaults.disk_mb,
            asRoot,
          }),
          more: environmentArguments(env),
          cwd: '/',
          // Nothing of it reaches the command, whose own is cleared and set anew inside.
          env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
          stdin: command.stdin,
          timeoutMs: command.timeoutMs,
          signal: context.signal,
          capture: newCapture(command, context),
        });
      };
      return folderWorkspace({ path: places.workspace, aside: { host: aside, seen: places.aside } }, run, release);
    },
    taskEnded: () => {},
    end: () => directories.end(),
  };
};

const whatIsWrong = (asRoot: boolean): string | null => {
  for (const program of ['bwrap', 'prlimit', ...(asRoot ? ['setpriv'] : [])])
    if (spawnSync(program, ['--version']).error)
      return `sandbox.use is bubblewrap, and "${program}" is not here. On Debian: apt-get install bubblewrap util-linux`;
  const folders = { workspace: '/tmp', aside: '/tmp', cwd: '/', hasEnvironment: false, tmpMb: 1, fileMb: 1 };
  const [program, ...args] = wrap({ ...folders, argv: ['true'], asRoot });
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? null : `sandbox.use is bubblewrap, and it does not work here: ${stderr.trim()}`;
};

/** Better refused than not held: the step would run, and nobody would notice. */
const refuseUnheld = ({ sandbox }: Order): void => {
  const { egress, ...asked } = sandbox ?? {};
  const unheld = [...Object.keys(asked), ...((egress?.length ?? 0) > 0 ? ['egress'] : [])][0];
  if (unheld !== undefined) throw new Stopped(reject('sandbox_cannot', cannot(unheld)));
};

const cannot = (what: string): string =>
  `The step asks for sandbox.${what}, which bubblewrap cannot give here. Leave it out, or use a Docker Engine.`;
