// What a check left to be read, prepared once for all that look at it.
import type { CommandResult } from '@capstan/sandbox';
import type { Check } from './check.ts';
import { isRecord, type Shape } from './shape.ts';

export interface Output {
  readonly check: Check;
  readonly result: CommandResult;
  /** Its reports where it has any, else what it printed: without colours. */
  readonly texts: readonly string[];
  /** What verifiers asked for beside it, by name. */
  readonly files: ReadonlyMap<string, string>;
  /** Of each text the JSON document that it is, or has in it between other lines. */
  documents(): readonly unknown[];
  /** Every line that is a JSON object. */
  records(): readonly Shape[];
  /** Every line, cut where it is longer than anybody writes. */
  lines(): readonly string[];
}

export const newOutput = (
  check: Check,
  result: CommandResult,
  reports: readonly string[] = [],
  files: ReadonlyMap<string, string> = new Map(),
): Output => {
  const texts = (reports.length > 0 ? reports : [result.stdout, result.stderr])
    .map((text) => text.replaceAll(colours, '').replaceAll('\r\n', '\n'))
    .filter((text) => text.trim() !== '');
  return {
    check,
    result,
    texts,
    files,
    documents: once(() => texts.map(documentIn).filter((one) => one !== undefined)),
    records: once(() => texts.flatMap(recordsIn)),
    lines: once(() => texts.flatMap((text) => text.split('\n', linesMax).map((line) => line.slice(0, lineMax)))),
  };
};

/** What terminals obey. Not the one of node:util, whose time grows with the square of what a hostile program can print. */
const colours = new RegExp(
  String.raw`\u001b(?:\[[0-9;:?]{0,64}[ -/]?[@-~]|\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\)|[=>()#][0-9A-Za-z]?)`,
  'g',
);

const linesMax = 200_000;
const lineMax = 4_096;

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
};

/** Runners of scripts print lines before it, and some tools a summary after it. */
const documentIn = (text: string): unknown => {
  const whole = parsed(text);
  if (whole !== undefined) return whole;
  // Not `\s`, which would go from each empty line to the end of all of them.
  const first = /^[ \t]*[[{]/m.exec(text);
  if (!first) return undefined;
  const from = text.slice(first.index);
  const line = from.trimStart().split('\n', 1)[0] ?? '';
  // The whole document on one line, as most write it for other programs.
  const alone = line.length > 2 ? parsed(line) : undefined;
  return alone ?? closed(from);
};

const closingsMax = 5;

/** Up to one of the last brackets in it. */
const closed = (text: string): unknown => {
  let end = text.length;
  for (let tries = 0; tries < closingsMax; tries++) {
    const before = text.slice(0, end);
    end = Math.max(before.lastIndexOf('}'), before.lastIndexOf(']'));
    if (end < 0) return undefined;
    const value = parsed(text.slice(0, end + 1));
    if (value !== undefined) return value;
  }
  return undefined;
};

const recordsIn = (text: string): Shape[] => {
  const records: Shape[] = [];
  for (const line of text.split('\n', linesMax)) {
    if (!line.startsWith('{')) continue;
    const value = parsed(line);
    if (isRecord(value)) records.push(value);
  }
  return records;
};

const parsed = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};
