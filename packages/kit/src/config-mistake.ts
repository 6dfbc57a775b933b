// A mistake in the configuration, said in one line: where, what was expected, what is there, what to do.
import type { z } from 'zod';
import { nearest } from './nearest.ts';

export class ConfigMistake extends Error {
  override readonly name = 'ConfigMistake';
}

/** What zod found, in words. `where` is a file with its line, or the name of an environment variable. */
export const explainIssue = (issue: z.core.$ZodIssue, where: string, known: readonly string[]): string => {
  const path = dotted(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] as string;
    const full = path ? `${path}.${key}` : key;
    return `${where}: ${full} is not a setting. ${instead(key, known)}`;
  }
  return `${where}: ${path || 'this'} must be ${expected(issue)}; it is ${shown(issue.input)}. Correct it, or remove it to have the default.`;
};

export const dotted = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (out, part) => (typeof part === 'number' ? `${out}[${part}]` : out ? `${out}.${String(part)}` : String(part)),
    '',
  );

const instead = (key: string, known: readonly string[]): string => {
  const meant = nearest(key, known);
  if (meant) return `Did you mean ${meant}?`;
  return known.length > 0 ? `Known here: ${known.join(', ')}. Remove it.` : 'Remove it.';
};

const expected = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_type':
      return nouns[issue.expected] ?? `of type ${issue.expected}`;
    case 'too_small':
      return `at least ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `at most ${issue.maximum}${unit(issue.origin)}`;
    default:
      return issue.message.replace(/^must be /, '').replace(/^Invalid /, 'a valid ');
  }
};

const unit = (origin: string): string =>
  origin === 'string' ? ' characters long' : origin === 'array' ? ' entries' : '';

const nouns: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of settings',
  record: 'a group of names and values',
};

/** Short, and never more than a glimpse: a password may stand in the wrong place. */
const shown = (value: unknown): string => {
  if (value === undefined) return 'absent';
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of settings';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return typeof value === 'string' ? `"${text.length > 24 ? `${text.slice(0, 24)}…` : text}"` : text;
};
