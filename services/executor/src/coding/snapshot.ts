// What a folder of the workspace held, and what has changed in it since. The snapshot is taken out of the sandbox, and compared by a
// repository that is made anew each time (snapshot-scripts.ts).
import { type Failed, reject, retry, Stopped } from '@capstan/kit';
import type { Workspace } from '@capstan/sandbox';
import { compare, take, undo } from './snapshot-scripts.ts';

export interface ChangedFile {
  readonly path: string;
  readonly added: number;
  readonly removed: number;
  /** It is no text. */
  readonly binary: boolean;
}

export interface Changes {
  readonly patch: string;
  readonly files: readonly ChangedFile[];
}

const bundleBytesMax = 512 * 1_024 * 1_024;
const patchBytesMax = 64 * 1_024 * 1_024;

const run = async (
  workspace: Workspace,
  path: string,
  text: string,
  args: readonly string[],
  bytesMax: number,
  nested: (where: string) => Failed,
): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  const { exitCode, stderr } = await workspace.run({
    argv: ['sh', '-c', text, 'sh', workspace.path, ...args],
    cwd: path,
    egress: [],
    output: false,
    onOutput: (stream, chunk) => {
      if (stream === 'stdout' && (size += chunk.length) <= bytesMax) chunks.push(Buffer.from(chunk));
    },
  });
  if (exitCode === 3) throw new Stopped(nested(stderr.trim()));
  if (exitCode !== 0)
    throw new Stopped(reject('snapshot_failed', `What changed could not be found out: ${stderr.trim().slice(-500)}`));
  if (size > bytesMax) throw new Stopped(reject('too_large', `There is more in "${path}" than ${bytesMax} bytes.`));
  return Buffer.concat(chunks);
};

export interface Snapshot {
  /** Before, what was done to `.git` is undone: settings, hooks, commits. */
  changes(): Promise<Changes>;
  /** Puts back what was there; what is new, and was not ignored then, goes. The workspace may have been opened anew for it. */
  restore(from?: Workspace): Promise<void>;
}

export const snapshot = async (workspace: Workspace, path: string, name: string): Promise<Snapshot> => {
  const bundle = await run(workspace, path, take, [], bundleBytesMax, (where) =>
    reject(
      'nested_repository',
      `path: in "${path}" there is a repository of its own, ${where}; name its folder as "path".`,
    ),
  );
  const withBundle = async (text: string, bytesMax: number, opened = workspace): Promise<Buffer> => {
    const file = await opened.aside(`${name}.base`, bundle);
    const data = await run(opened, path, text, [file], bytesMax, (where) =>
      retry('edits_refused', `The changes were taken back: a repository was made in ${where}.`),
    );
    await opened.run({ argv: ['rm', '-f', '--', file], output: false });
    return data;
  };
  return {
    changes: async () => {
      const data = await withBundle(compare, patchBytesMax);
      // Of nothing changed, the list is empty and only its end is there.
      const end = data[0] === 0 ? 0 : data.indexOf('\0\0') + 1;
      const files = data.subarray(0, end).toString('utf8').split('\0').filter(Boolean).map(fileOf);
      return { files, patch: data.subarray(end + 1).toString('utf8') };
    },
    restore: async (from) => void (await withBundle(undo, patchBytesMax, from)),
  };
};

const fileOf = (row: string): ChangedFile => {
  const [added = '-', removed = '-', ...name] = row.split('\t');
  return { path: name.join('\t'), added: Number(added) || 0, removed: Number(removed) || 0, binary: added === '-' };
};
