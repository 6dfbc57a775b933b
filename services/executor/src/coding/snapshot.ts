// What a folder of the workspace held, and what has changed in it since. The snapshot is taken out of the sandbox, and compared by a
// repository that is made anew each time: whatever ran in between, it could hide nothing by what it did to a `.git`.
import { reject, Stopped } from '@capstan/kit';
import type { Workspace } from '@capstan/sandbox';
import { disarmed } from '../git/outside.ts';

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

/** A repository beside the work, for as long as the script runs. What `.gitignore` leaves out is left out here too. */
const script = (work: string): string => `
set -eu
GIT_DIR=$(mktemp -d "$HOME/.capstan-XXXXXX"); export GIT_DIR
trap 'rm -rf "$GIT_DIR"' EXIT
export GIT_WORK_TREE="$PWD" GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_NO_REPLACE_OBJECTS=1
export GIT_AUTHOR_NAME=c GIT_AUTHOR_EMAIL=c GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c
git() { command git ${disarmed.join(' ')} "$@"; }
git init -q --template=
${work}
`;

const take = script(`
git add -A
if git ls-files -s | grep -q '^160000'; then echo nested >&2; exit 3; fi
git update-ref refs/heads/base "$(git commit-tree "$(git write-tree)" -m base </dev/null)"
git bundle create -q - refs/heads/base`);

const restore = 'git fetch -q "$1" refs/heads/base:refs/heads/base; git read-tree refs/heads/base';

const compare = script(`
${restore}
git add -A
git diff --cached --no-ext-diff --no-textconv --no-renames --numstat -z refs/heads/base
printf '\\0'
git diff --cached --no-ext-diff --no-textconv --no-renames --no-color --binary refs/heads/base`);

const undo = script(`
${restore}
git checkout-index -q -f -a
git clean -q -f -d`);

const run = async (
  workspace: Workspace,
  path: string,
  text: string,
  args: readonly string[],
  bytesMax: number,
): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  const { exitCode, stderr } = await workspace.run({
    argv: ['sh', '-c', text, 'sh', ...args],
    cwd: path,
    egress: [],
    output: false,
    onOutput: (stream, chunk) => {
      if (stream === 'stdout' && (size += chunk.length) <= bytesMax) chunks.push(Buffer.from(chunk));
    },
  });
  if (exitCode === 3)
    throw new Stopped(
      reject('nested_repository', `path: in "${path}" there is a repository of its own; name its folder as "path".`),
    );
  if (exitCode !== 0)
    throw new Stopped(reject('snapshot_failed', `What changed could not be found out: ${stderr.trim().slice(-500)}`));
  if (size > bytesMax) throw new Stopped(reject('too_large', `There is more in "${path}" than ${bytesMax} bytes.`));
  return Buffer.concat(chunks);
};

export interface Snapshot {
  changes(): Promise<Changes>;
  /** Puts back what was there; what is new and not ignored goes. */
  restore(): Promise<void>;
}

export const snapshot = async (workspace: Workspace, path: string, name: string): Promise<Snapshot> => {
  const bundle = await run(workspace, path, take, [], bundleBytesMax);
  const withBundle = async (text: string, bytesMax: number): Promise<Buffer> => {
    const file = await workspace.aside(`${name}.base`, bundle);
    const data = await run(workspace, path, text, [file], bytesMax);
    await workspace.run({ argv: ['rm', '-f', '--', file], output: false });
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
    restore: async () => void (await withBundle(undo, patchBytesMax)),
  };
};

const fileOf = (row: string): ChangedFile => {
  const [added = '-', removed = '-', ...name] = row.split('\t');
  return { path: name.join('\t'), added: Number(added) || 0, removed: Number(removed) || 0, binary: added === '-' };
};
