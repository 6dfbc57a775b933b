// Policies of an installation's own: one YAML file each, in the folder `policies` beside the configuration. A file's name is the policy's, unless
// it says another one.
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type ConfigFile, type Path, readConfigFile } from './config-file.ts';

/** As one more layer of configuration, over what the file lists itself; null where there is no such folder. */
export const readPoliciesBeside = (configFile: string, listed: readonly unknown[]): ConfigFile | null => {
  const folder = join(dirname(configFile), 'policies');
  if (!existsSync(folder)) return null;
  const files = readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .toSorted()
    .map((name) => readConfigFile(join(folder, name)));
  if (files.length === 0) return null;
  const own = files.map(({ file, value }) => ({ name: basename(file).replace(/\.ya?ml$/, ''), ...value }));
  return {
    file: folder,
    value: { settings: { policies: { own: [...listed, ...own] } } },
    where: (path) => whereIn(files, path, listed.length),
  };
};

/** `settings.policies.own[3].deny` is a line of the file of that policy. */
const whereIn = (files: readonly ConfigFile[], path: Path, before: number): string | null => {
  const [first, second, third, at, ...rest] = path;
  if (first !== 'settings' || second !== 'policies' || third !== 'own' || typeof at !== 'number') return null;
  const found = files[at - before];
  return found === undefined ? null : (found.where(rest) ?? found.file);
};
