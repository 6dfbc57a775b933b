// Findings of a check, as they are reported: with a location and a fingerprint that is the same in another run.
import { createHash } from 'node:crypto';
import type { Finding } from '@capstan/contracts';
import type { Check } from './check.ts';
import type { Output } from './output.ts';
import { locationOf } from './place.ts';
import type { Found, Verifier } from './reads-output.ts';
import { severityOf } from './severity.ts';
import { verifiers } from './verifiers/index.ts';
import { tail } from './verifiers/tail.ts';

const messageMax = 1_000;
/** The tail of an unknown output is all there is to see of it. */
const tailMax = 3_000;

/** `workspace` is where the command saw the task's directory. */
export const findingsOf = (output: Output, workspace: string): Finding[] => told(read(output), output.check, workspace);

/** What the verifier itself finds, in the name of no tool. */
export const ownFinding = (found: Found, category: string): Finding =>
  told([{ reader: tail, found: { ...found, category } }], { cwd: '.' }, '/')[0] as Finding;

const told = (
  found: readonly Read[],
  check: Pick<Check, 'category' | 'severity' | 'cwd'>,
  workspace: string,
): Finding[] => {
  const times = new Map<string, number>();
  return found.map(({ reader, found: one }): Finding => {
    const category = check.category ?? one.category ?? reader.category;
    const ofErrors = check.severity ?? (category === 'lint' ? 'medium' : 'major');
    const location = locationOf(one, workspace, check.cwd);
    const file = locationOf({ file: one.file }, workspace, check.cwd) ?? '';
    const gist = one.same ?? one.message.replaceAll(/\d+/g, '#');
    const same = [reader.name, category, file, one.rule ?? '', gist].join('\0');
    const nth = times.get(same) ?? 0;
    times.set(same, nth + 1);
    return {
      severity: one.severity ?? severityOf(one.level, ofErrors),
      category,
      message: shortened(one.message, reader === tail ? tailMax : messageMax),
      ...(location === undefined ? {} : { location }),
      ...(one.rule === undefined ? {} : { rule: one.rule.slice(0, 256) }),
      // Without the line, which other changes move; what is there twice is told apart by its order.
      fingerprint: createHash('sha256').update(`${same}\0${nth}`).digest('hex').slice(0, 32),
    };
  });
};

/** What to read beside this output before it is read. */
export const filesFor = (output: Output): readonly string[] => verifiers.flatMap((one) => one.files?.(output) ?? []);

export const formats = (): string[] => verifiers.map(({ name }) => name);

interface Read {
  readonly reader: Verifier;
  readonly found: Found;
}

const read = (output: Output): readonly Read[] => {
  const { check, result } = output;
  const asked = check.format === undefined ? verifiers : verifiers.filter(({ name }) => name === check.format);
  const wasEnded = result.exitCode === null || result.timedOut || result.outOfMemory;
  for (const reader of asked) {
    const found = readBy(reader, output);
    if (!found) continue;
    // A command that failed and says nothing of why, or that was ended before it could, is not clean.
    const isUnexplained = result.exitCode !== 0 && (found.length === 0 || wasEnded);
    return isUnexplained && reader !== tail ? [...found, ...(readBy(tail, output) ?? [])] : found;
  }
  return readBy(tail, output) ?? [];
};

/** Of one check: nobody reads more, and each of them costs. */
const foundMax = 5_000;

/** Output can be of a shape that nobody thought of; then it is unknown. */
const readBy = (reader: Verifier, output: Output): readonly Read[] | null => {
  try {
    const all = reader.read(output);
    if (all === null) return null;
    const [some, rest] = [all.slice(0, foundMax), all.length - foundMax];
    const more: Found = { level: 'error', message: `${rest} more are in the log of this step.`, same: 'more' };
    return [...some, ...(rest > 0 ? [more] : [])].map((found) => ({ reader, found }));
  } catch {
    return null;
  }
};

const shortened = (text: string, most: number): string => {
  const said = text.trim() || 'It says nothing.';
  return said.length > most ? `${said.slice(0, most - 1)}…` : said;
};
