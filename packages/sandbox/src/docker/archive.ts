// The files of a workspace, in and out through a container that is never started: the engine resolves paths inside it, so that a link to a
// file of the host is a link to a file of the image.
import type { Readable } from 'node:stream';
import { retry, Stopped } from '@capstan/kit';
import type { Container } from 'dockerode';
import { readBytesMax, tooLarge } from '../read-limit.ts';
import type { CollectLimits, Collected, WorkspaceFile } from '../sandbox.ts';
import { fixedPart, inside, isNamed, readTar, writeTar } from '../tarball.ts';
import { type Engine, saidBy, statusOf } from './engine.ts';
import { owner, places } from './options.ts';

const archive = async ({ ask }: Engine, container: Container, path: string): Promise<Readable | null> => {
  try {
    const stream = await ask('read files', container.getArchive({ path: `${places.workspace}/${path}` }));
    return stream as unknown as Readable;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    // A file in the place of a folder, for one.
    if (statusOf(error) !== undefined) return null;
    throw error;
  }
};

export const readFile = async (
  engine: Engine,
  container: Container,
  path: string,
  bytesMax = readBytesMax,
): Promise<Buffer | null> => {
  const plain = inside(path);
  const stream = await archive(engine, container, plain);
  if (!stream) return null;
  const name = plain.slice(plain.lastIndexOf('/') + 1);
  const found = await readTar(stream, (entry) => {
    if (entry.size > bytesMax) throw tooLarge(path, entry.size, bytesMax);
    return entry.name === name ? name : null;
  });
  return found[0]?.data ?? null;
};

export const writeFiles = async (
  { ask }: Engine,
  container: Container,
  files: readonly WorkspaceFile[],
  path: string = places.workspace,
): Promise<void> => {
  try {
    await ask('write files', container.putArchive(writeTar(files, owner), { path }));
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    throw new Stopped(retry('workspace_failed', `The files could not be written: ${saidBy(error)}`), { cause: error });
  }
};

export const collectFiles = async (
  engine: Engine,
  container: Container,
  patterns: readonly string[],
  limits: CollectLimits = {},
): Promise<Collected[]> => {
  const found: Collected[] = [];
  const taken = new Set<string>();
  for (const root of new Set(patterns.map(fixedPart))) {
    const stream = await archive(engine, container, root);
    if (!stream) continue;
    // Names in the archive begin with the last part of the path that was asked for.
    const above = root === '.' ? '' : root.slice(0, root.lastIndexOf('/') + 1);
    const files = await readTar(
      stream,
      (entry) => {
        const name = root === '.' ? entry.name.replace(/^[^/]*\//, '') : above + entry.name;
        if (taken.has(name) || !patterns.some((pattern) => isNamed(pattern, name))) return null;
        taken.add(name);
        return name;
      },
      limits,
    );
    found.push(...files);
  }
  return found;
};
