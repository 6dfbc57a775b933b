// Files that a command leaves to be read, as JUnit reports are.
import type { Workspace } from '@capstan/sandbox';
import { posix } from 'node:path';
import type { Check } from './check.ts';

type Argv = readonly [string, ...string[]];

/** One that an earlier run has left would be taken for that of a run which died before it wrote any. Folders are let be. */
const removing =
  'IFS=; n=$1; shift; while [ "$n" -gt 0 ]; do rm -f -- $1 2>/dev/null; shift; n=$((n-1)); done; exec "$@"';

export const withoutOldReports = ({ command, reports = [] }: Check): Argv => {
  const argv = command as [string, ...string[]];
  return reports.length === 0 ? argv : ['/bin/sh', '-c', removing, 'sh', String(reports.length), ...reports, ...argv];
};

const limits = { filesMax: 500, bytesMax: 16 * 1_024 * 1_024 };

export const readReports = async ({ reports = [], cwd }: Check, workspace: Workspace): Promise<string[]> => [
  ...(await read(reports, cwd, workspace)).values(),
];

/** By their names in the folder where the check ran. */
export const readBeside = async (
  { cwd }: Check,
  names: readonly string[],
  workspace: Workspace,
): Promise<Map<string, string>> => {
  const files = await read(names, cwd, workspace);
  return new Map([...files].map(([path, text]) => [posix.relative(posix.normalize(cwd), path), text]));
};

const read = async (paths: readonly string[], cwd: string, workspace: Workspace): Promise<Map<string, string>> => {
  if (paths.length === 0) return new Map();
  const files = await workspace.collect(
    paths.map((path) => posix.join(cwd, path)),
    limits,
  );
  return new Map(files.map(({ name, data }) => [name, data.toString('utf8')]));
};
