// No sandbox: commands run on this host as this user, in a folder for each task. Behind --unsafe-host-shell alone.
import { resolve } from 'node:path';
import { newCapture } from '../capture.ts';
import { commandEnvironment } from '../environment.ts';
import type { Sandbox } from '../sandbox.ts';
import { newDirectories } from './directories.ts';
import { folderWorkspace } from './folder-workspace.ts';
import { runOnHost } from './run-on-host.ts';
import { toolchains } from './toolchains.ts';

export const onHost = (service: string, shared?: string): Sandbox => {
  const directories = newDirectories(service, shared);
  return {
    kind: 'host',
    wrong: () => null,
    open: async (order, context) => {
      const { path, release } = await directories.use(order.task_id);
      const { signal } = context;
      // Ids of tasks have no dot in them, so this is no task's own; it goes when the workspace does.
      const aside = `${path}.aside`;
      return folderWorkspace(
        { path, aside: { host: aside, seen: aside } },
        ({ argv, cwd = '.', env, stdin, timeoutMs, ...rest }) =>
          runOnHost({
            argv,
            cwd: resolve(path, cwd),
            env: {
              PATH: process.env['PATH'] ?? usualPath,
              TMPDIR: path,
              ...toolchains(),
              ...commandEnvironment(order, path),
              ...env,
            },
            stdin,
            timeoutMs,
            signal,
            capture: newCapture({ argv, ...rest }, context),
          }),
        release,
      );
    },
    // Its folder goes when nobody has used it for a day: here people look into them.
    taskEnded: () => {},
    end: () => directories.end(),
  };
};

const usualPath = '/usr/local/bin:/usr/bin:/bin';
