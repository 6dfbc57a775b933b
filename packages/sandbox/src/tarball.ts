// Files as a tar stream, which is how they come out of a sandbox and go into it. What is no regular file is left out, so a link
// that points elsewhere is nothing but a name in here.
import { createHash } from 'node:crypto';
import { matchesGlob, posix } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { reject, Stopped } from '@capstan/kit';
import { extract, pack } from 'tar-stream';
import type { CollectLimits, Collected, WorkspaceFile } from './sandbox.ts';

const filesMaxDefault = 1_000;
const bytesMaxDefault = 256 * 1_024 * 1_024;

/** A path inside the workspace, without what could lead out of it. Throws `Stopped`. */
export const inside = (path: string): string => {
  const plain = posix.normalize(path.replace(/\/+$/, '') || '.');
  if (plain.startsWith('/') || plain === '..' || plain.startsWith('../') || path.includes('\0'))
    throw new Stopped(reject('path_outside', `"${path}" is not inside the workspace; paths are relative to it.`));
  return plain;
};

/** The folder or file that holds all that a pattern can match. */
export const fixedPart = (pattern: string): string => {
  const parts = inside(pattern).split('/');
  const at = parts.findIndex((part) => /[*?[\]{}!]/.test(part));
  return at < 0 ? parts.join('/') : parts.slice(0, at).join('/') || '.';
};

/** Whether a pattern, a file or a folder names this path. */
export const isNamed = (pattern: string, path: string): boolean => {
  const plain = inside(pattern);
  return plain === '.' || path === plain || path.startsWith(`${plain}/`) || matchesGlob(path, plain);
};

export interface Entry {
  /** As in the archive. */
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

/** Hands out the regular files that `wanted` gives a name, within limits on all of them. Throws `Stopped` beyond. */
export const readTar = async (
  stream: Readable,
  wanted: (entry: Entry) => string | null,
  { filesMax = filesMaxDefault, bytesMax = bytesMaxDefault }: CollectLimits = {},
): Promise<Collected[]> => {
  const files: Collected[] = [];
  const entries = extract();
  // Errors come out of the loop; without a callback they would also be thrown at nobody.
  pipeline(stream, entries, () => {});
  let left = bytesMax;
  for await (const entry of entries) {
    const { name: path, type = 'file', size = 0 } = entry.header;
    const name = type === 'file' ? wanted({ name: path, type, size }) : null;
    if (name === null) {
      entry.resume();
      continue;
    }
    left -= size;
    if (left < 0 || files.length >= filesMax) {
      stream.destroy();
      throw new Stopped(
        reject(
          'artifacts_too_large',
          `More than ${filesMax} files or ${bytesMax} bytes are too much to take out at once.`,
        ),
      );
    }
    const chunks: Buffer[] = [];
    const hash = createHash('sha256');
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      hash.update(chunk);
    }
    files.push({ name, size, sha256: hash.digest('hex'), data: Buffer.concat(chunks) });
  }
  return files;
};

/** The folders above the files come first, so that they belong to whom the files belong to. */
export const writeTar = (files: readonly WorkspaceFile[], owner: { uid: number; gid: number }): Readable => {
  const tar = pack();
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = inside(path).split('/').slice(0, -1);
    for (let length = 1; length <= parts.length; length++) folders.add(parts.slice(0, length).join('/'));
  }
  for (const name of [...folders].sort()) tar.entry({ name: `${name}/`, type: 'directory', mode: 0o755, ...owner });
  for (const { path, data, executable } of files) {
    const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data);
    tar.entry({ name: inside(path), mode: executable ? 0o755 : 0o644, mtime: new Date(), ...owner }, bytes);
  }
  tar.finalize();
  return Readable.from(tar);
};
