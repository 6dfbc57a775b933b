// TAP, as `node --test --test-reporter=tap` and many others print it. Of nested tests, the innermost that failed are told.
import { placeIn } from '../place.ts';
import type { Found, Verifier } from '../reads-output.ts';

export const tap: Verifier = {
  name: 'tap',
  category: 'test',
  read: (output) => {
    const lines = output.lines();
    if (!lines.some((line) => /^TAP version 1[34]\b/.test(line)) && !looksAlike(lines)) return null;
    return failures(lines);
  },
};

const test = /^( *)(not )?ok\b(?: +(\d+))?(?: *- *| +)?(.*)$/;

/** Without its first line, as Perl's older tests print it: a plan, and results under it. */
const looksAlike = (lines: readonly string[]): boolean =>
  lines.some((line) => /^1\.\.\d+(?: *#.*)?$/.test(line)) && lines.some((line) => /^(?:not )?ok \d+\b/.test(line));

/** Deeper ones are no tests that anybody wrote. */
const depthMax = 128;
const nameMax = 500;

const failures = (lines: readonly string[]): Found[] => {
  const found: Found[] = [];
  /** By indentation, whether something under the test that comes next has failed and is told. */
  const failedUnder = new Map<number, boolean>();
  /** By indentation, the test that is begun there. */
  const names = new Map<number, string>();
  for (const [at, line] of lines.entries()) {
    const begun = /^( *)# Subtest: (.*)$/.exec(line);
    if (begun && (begun[1]?.length ?? 0) <= depthMax)
      names.set(begun[1]?.length ?? 0, (begun[2] ?? '').slice(0, nameMax));
    const bail = /^ *Bail out!\s*(.*)$/.exec(line);
    if (bail) found.push({ level: 'error', message: `Bail out! ${bail[1]}`, same: 'bail out' });
    const result = test.exec(line);
    if (!result) continue;
    const [, indent = '', not, , said = ''] = result;
    const depth = indent.length;
    if (depth > depthMax) continue;
    const under = failedUnder.get(depth) ?? false;
    failedUnder.set(depth, false);
    const [name = '', directive = ''] = said.split(/(?<!\\)#\s*(?=(?:todo|skip)\b)/i, 2);
    if (not === undefined || directive !== '') continue;
    for (const outer of [...failedUnder.keys(), ...outerOf(depth)]) if (outer < depth) failedUnder.set(outer, true);
    if (under) continue;
    const parents = [...names].filter(([outer]) => outer < depth).toSorted(([a], [b]) => a - b);
    const path = [
      ...parents.map(([, parent]) => parent),
      name.trim().slice(0, nameMax) || 'a test without a name',
    ].join(' > ');
    found.push({ level: 'error', ...detailed(path, block(lines, at + 1, depth)), rule: path, same: path });
  }
  return found;
};

/** Subtests are indented by four. */
const outerOf = (depth: number): number[] =>
  Array.from({ length: Math.min(64, Math.floor(depth / 4)) }, (_, at) => at * 4);

const blockLinesMax = 100;

/** The lines between `---` and `...` under a test. */
const block = (lines: readonly string[], from: number, depth: number): string[] => {
  if (!new RegExp(`^ {${depth},${depth + 4}}---`).test(lines[from] ?? '')) return [];
  const inner: string[] = [];
  for (const line of lines.slice(from + 1, from + 1 + blockLinesMax)) {
    if (/^ *\.\.\.\s*$/.test(line)) return inner;
    inner.push(line);
  }
  return inner;
};

const detailed = (name: string, lines: readonly string[]): Pick<Found, 'message' | 'file' | 'line' | 'column'> => {
  const keys = keysOf(lines);
  const value = (key: string): string | undefined => valueAt(lines, keys.get(key));
  const compared = ['expected', 'actual'].flatMap((key) => {
    const said = value(key);
    return said === undefined ? [] : [`${key} ${said}`];
  });
  const place = placeIn(value('location') ?? value('at') ?? '') ?? placeIn(lines.join('\n'));
  const reason = value('error') ?? value('message') ?? compared.join(', ');
  return { message: reason === '' ? name : `${name}: ${reason}`, ...place };
};

const keysOf = (lines: readonly string[]): Map<string, number> => {
  const keys = new Map<string, number>();
  for (const [at, line] of lines.entries()) {
    const key = /^ *(\w{1,30}):/.exec(line)?.[1];
    if (key !== undefined && !keys.has(key)) keys.set(key, at);
  }
  return keys;
};

/** YAML, of which tools write no more than texts, quoted or not, in a line or in a block. */
const valueAt = (lines: readonly string[], at: number | undefined): string | undefined => {
  if (at === undefined) return undefined;
  const first = (lines[at] ?? '').replace(/^ *\w+: */, '');
  const quoted = /^'(.*)'$/.exec(first)?.[1] ?? /^"(.*)"$/.exec(first)?.[1];
  if (!/^[|>][+-]?\s*$/.test(first)) return quoted ?? first;
  const indent = /^ */.exec(lines[at + 1] ?? '')?.[0].length ?? 0;
  const inner: string[] = [];
  for (const line of lines.slice(at + 1)) {
    if (line.trim() !== '' && !line.startsWith(' '.repeat(Math.max(indent, 1)))) break;
    inner.push(line.slice(indent));
  }
  return inner.join('\n').trim();
};
