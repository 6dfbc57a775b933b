// A unified diff against files: what each would be after it. Nothing is written here, so that a hunk that does not fit changes nothing.
import { reject, Stopped } from '@capstan/kit';
import { applyPatch, parsePatch, type StructuredPatch } from 'diff';

export interface Changed {
  readonly path: string;
  /** Null where the file is to go. */
  readonly data: Buffer | null;
  readonly executable?: boolean;
}

const filesMax = 10_000;

/** Throws `Stopped`. `read` gives null where there is no such file. */
export const applyDiff = async (
  diff: string,
  fuzz: number,
  read: (path: string) => Promise<string | null>,
): Promise<Changed[]> => {
  const after = new Map<string, string | null>();
  const parts = parse(diff);
  for (const part of parts) {
    const [from, to] = [nameOf(part.oldFileName), nameOf(part.newFileName)];
    const path = to ?? from;
    if (path === null) throw broken('a part of it names no file');
    const before = from === null ? null : after.has(from) ? (after.get(from) ?? null) : await read(from);
    if (from !== null && before === null) throw broken(`there is no file "${from}"`);
    if (from === null && (await read(path)) !== null) throw broken(`"${path}" is to be made, and is there already`);
    if (to === null) {
      if (applied(before ?? '', part, fuzz, path) !== '')
        throw broken(`"${path}" is to go, but has more in it than that`);
      after.set(path, null);
      continue;
    }
    if (from !== null && from !== to) after.set(from, null);
    after.set(to, applied(before ?? '', part, fuzz, path));
  }
  return [...after].map(([path, text]) => ({ path, data: text === null ? null : Buffer.from(text) }));
};

const parse = (diff: string): StructuredPatch[] => {
  let parts: StructuredPatch[];
  try {
    parts = parsePatch(diff);
  } catch (error) {
    throw broken((error as Error).message);
  }
  const real = parts.filter(({ oldFileName, newFileName }) => oldFileName !== undefined || newFileName !== undefined);
  if (real.length === 0) throw broken('it is no unified diff: there is no line that begins with "--- " and "+++ "');
  if (real.length > filesMax) throw broken(`it has more than ${filesMax} files`);
  if (/^(GIT binary patch|Binary files )/m.test(diff))
    throw broken('it changes a file that is no text; write that file as a whole');
  return real;
};

const applied = (before: string, part: StructuredPatch, fuzz: number, path: string): string => {
  const text = applyPatch(before, part, { fuzzFactor: fuzz, autoConvertLineEndings: true });
  if (text !== false) return text;
  const first = part.hunks.find(
    (hunk) => applyPatch(before, { ...part, hunks: [hunk] }, { fuzzFactor: fuzz }) === false,
  );
  const where = first ? `the hunk at line ${first.oldStart}` : 'a hunk';
  throw broken(`${where} of "${path}" does not fit what is there`);
};

/** Without the `a/` and `b/` that git puts in front, and without a date behind. */
const nameOf = (name: string | undefined): string | null => {
  if (name === undefined || name === '/dev/null') return null;
  const plain = name.replace(/\t.*$/, '');
  return plain.replace(/^[ab]\//, '');
};

const broken = (why: string): Stopped => new Stopped(reject('patch_failed', `patch: ${why}. Nothing was changed.`));
