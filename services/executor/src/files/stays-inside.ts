// Where the workspace is a folder of this host, a link in it could lead out of it. In a container it leads no further than the container.
import { realpath } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { reject, Stopped } from '@capstan/kit';
import type { Sandbox, Workspace } from '@capstan/sandbox';

/** Throws `Stopped`. A path that is written with ".." is refused by the workspace itself. */
export const staysInside = async (
  workspace: Workspace,
  kind: Sandbox['kind'],
  paths: readonly string[],
): Promise<void> => {
  if (kind !== 'host') return;
  const root = await realpath(workspace.path);
  for (const path of paths) {
    const real = await deepest(resolve(root, path));
    if (real !== root && !real.startsWith(`${root}${sep}`))
      throw new Stopped(reject('path_outside', `"${path}" leads out of the workspace.`));
  }
};

/** The real path of what there is already of it. */
const deepest = async (path: string): Promise<string> => {
  const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Stopped(reject('path_outside', `"${path}" is no path that can be used (${error.code}).`));
  });
  return real ?? deepest(dirname(path));
};
