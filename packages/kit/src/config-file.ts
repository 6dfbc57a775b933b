// One YAML file of configuration: its value, and the line on which each setting stands.
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { ConfigMistake } from './config-mistake.ts';

export type Path = readonly (string | number)[];

export interface ConfigFile {
  readonly file: string;
  readonly value: Record<string, unknown>;
  /** `capstan.yaml:12` for a setting that the file has; null otherwise. */
  where(path: Path): string | null;
}

/** `capstan.local.yaml` beside `capstan.yaml`: what one machine has differently. */
export const localBeside = (file: string): string =>
  file.replace(/(\.ya?ml)?$/, (ending) => `.local${ending || '.yaml'}`);

export const readConfigFile = (file: string): ConfigFile => {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, prettyErrors: true, uniqueKeys: true });
  const wrong = document.errors[0];
  if (wrong) {
    const line = wrong.linePos?.[0].line ?? 1;
    throw new ConfigMistake(`${file}:${line}: this is not YAML: ${firstLine(wrong.message)}. Correct that line.`);
  }
  const value: unknown = document.toJS() ?? {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigMistake(
      `${file}:1: expected settings as "name: value", found ${Array.isArray(value) ? 'a list' : `"${String(value)}"`}.`,
    );
  }
  return {
    file,
    value: value as Record<string, unknown>,
    where: (path) => {
      if (path.length === 0) return file;
      const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
      const key = path[path.length - 1];
      const pair = isMap(parent)
        ? parent.items.find((item) => isScalar(item.key) && item.key.value === key)
        : undefined;
      const node: unknown = pair?.key ?? document.getIn(path, true);
      const offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0];
      return offset === undefined ? null : `${file}:${lines.linePos(offset).line}`;
    },
  };
};

export const readLocalBeside = (file: string): ConfigFile | null => {
  const local = localBeside(file);
  return existsSync(local) ? readConfigFile(local) : null;
};

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'this is a directory'
          : `it can't be read (${code})`;
    throw new ConfigMistake(
      `${file}: ${why}. Point CAPSTAN_CONFIG at a YAML file such as ${basename(file) || 'capstan.yaml'}.`,
    );
  }
};

const firstLine = (text: string): string =>
  (text.split('\n')[0] ?? '').replace(/ at line \d+.*$/, '').replace(/[.:]$/, '');
