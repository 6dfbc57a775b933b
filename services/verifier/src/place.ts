// Where something is: as tools write it, and as a finding says it, relative to the task's own directory.
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Found } from './reads-output.ts';

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column?: number | undefined;
}

/** `workspace` is where the command saw the task's directory. */
export const locationOf = (
  { file, line, column }: Pick<Found, 'file' | 'line' | 'column'>,
  workspace: string,
  cwd: string,
): string | undefined => {
  if (file === undefined) return undefined;
  const path = pathOf(file);
  const inside = posix.relative(workspace, posix.resolve(workspace, cwd, path));
  // What lies elsewhere stays as it was said.
  const shown = inside === '' || inside.startsWith('..') ? path : inside;
  return [shown, ...(line === undefined ? [] : [line, ...(column === undefined ? [] : [column])])]
    .join(':')
    .slice(-1_024);
};

const pathOf = (file: string): string => {
  try {
    return file.startsWith('file:') ? fileURLToPath(file) : file;
  } catch {
    return file;
  }
};

const written =
  /(?:^|[\s("'])((?:file:\/\/)?(?:[A-Za-z]:)?[\w@./\\-]{0,500}\w\.[A-Za-z]\w{0,9}):(\d{1,7})(?::(\d{1,7}))?(?=$|[\s)"':,])/gm;

/** The first place in a text that is of the repository: `src/a.ts:12:3`, as compilers, test runners and stack traces write it. */
export const placeIn = (text: string): Place | undefined => {
  const places = [...text.slice(0, 65_536).matchAll(written)].map(([, file = '', line, column]) => ({
    file,
    line: Number(line),
    column: column === undefined ? undefined : Number(column),
  }));
  return places.find(({ file }) => !file.includes('node_modules/') && !file.startsWith('node:')) ?? places[0];
};
