// What a check left to be read, prepared once for all that look at it.
import { stripVTControlCharacters } from 'node:util';
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
    .map((text) => stripVTControlCharacters(text).replaceAll('\r\n', '\n'))
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
  const first = /^\s*[[{]/m.exec(text);
  if (!first) return undefined;
  const from = text.slice(first.index);
  const line = from.trimStart().split('\n', 1)[0] ?? '';
  // The whole document on one line, as most write it for other programs.
  const alone = line.length > 2 ? parsed(line) : undefined;
  if (alone !== undefined) return alone;
  const closing = [...from.matchAll(/^[\]}]|[\]}]\s*$/gm)].at(-1);
  return closing && parsed(from.slice(0, closing.index + 1));
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
