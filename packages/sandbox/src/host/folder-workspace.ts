// A workspace that is a folder of this host. Its files are reached by commands that run where all others run, so that a link in it leads
// no further than a command could.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { retry, Stopped } from '@capstan/kit';
import { readBytesMax, tooLarge } from '../read-limit.ts';
import type { Command, CommandResult, Workspace } from '../sandbox.ts';
import { fixedPart, inside, isNamed, readTar, writeTar } from '../tarball.ts';

export interface Folders {
  /** As commands see it. */
  readonly path: string;
  /** The folder beside it, here and as commands see it. */
  readonly aside: { readonly host: string; readonly seen: string };
}

export const folderWorkspace = (
  { path, aside }: Folders,
  run: (command: Command) => Promise<CommandResult>,
  release: () => void,
): Workspace => {
  const archive = async (names: readonly string[]): Promise<Readable> => {
    const chunks: Uint8Array[] = [];
    const argv: Command['argv'] = ['tar', '--ignore-failed-read', '-cf', '-', '--', ...names];
    const { stderr, exitCode } = await run({
      argv,
      output: false,
      onOutput: (stream, chunk) => void (stream === 'stdout' && chunks.push(Uint8Array.from(chunk))),
    });
    // 2 is also what is not there; a real failure leaves nothing that could be read.
    if (exitCode !== 0 && exitCode !== 2)
      throw new Stopped(retry('workspace_failed', `tar ended with ${exitCode}: ${stderr}`));
    return Readable.from([Buffer.concat(chunks)]);
  };
  return {
    path,
    run,
    read: async (name, bytesMax = readBytesMax) => {
      const plain = inside(name);
      const found = await readTar(await archive([plain]), (entry) => {
        if (entry.size > bytesMax) throw tooLarge(name, entry.size, bytesMax);
        return entry.name === plain ? plain : null;
      });
      return found[0]?.data ?? null;
    },
    write: async (files) => {
      const stdin = await buffer(writeTar(files, { uid: 0, gid: 0 }));
      const result = await run({ argv: ['tar', '-xof', '-'], stdin, output: false });
      if (result.exitCode !== 0)
        throw new Stopped(retry('workspace_failed', `The files could not be written: ${result.stderr.trim()}`));
    },
    aside: async (name, data) => {
      const file = join(aside.host, inside(name));
      await mkdir(dirname(file), { recursive: true, mode: 0o755 });
      await writeFile(file, data);
      return join(aside.seen, inside(name));
    },
    collect: async (patterns, limits) => {
      if (patterns.length === 0) return [];
      const names = [...new Set(patterns.map(fixedPart))];
      const seen = new Set<string>();
      return readTar(
        await archive(names),
        (entry) => {
          const name = entry.name.replace(/^\.\//, '');
          if (seen.has(name) || !patterns.some((pattern) => isNamed(pattern, name))) return null;
          seen.add(name);
          return name;
        },
        limits,
      );
    },
    release,
  };
};
