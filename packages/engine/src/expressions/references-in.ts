// Every `${{ … }}` in a value, with where it stands: for telling what is wrong with a plan before anything of it runs.
import type { Json } from '@capstan/contracts';
import { parsePath, reference, UnresolvedReference } from './reference.ts';

export interface Found {
  /** Where it stands within the value: `.command[1]`. */
  readonly at: string;
  readonly text: string;
  readonly names: readonly string[];
  /** What is wrong with how it is written, or null. */
  readonly issue: string | null;
}

/** No deeper than any body may be; a value that is deeper was refused before. */
export const referencesIn = (value: Json, at = ''): Found[] => {
  if (typeof value === 'string')
    return value.includes('${{') ? [...value.matchAll(reference)].map((match) => read(match[1] as string, at)) : [];
  if (value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => referencesIn(item as Json, `${at}[${index}]`));
  if (Object.hasOwn(value, '$secret')) return [];
  return Object.entries(value).flatMap(([key, item]) => referencesIn(item as Json, `${at}.${key}`));
};

const read = (inside: string, at: string): Found => {
  const text = inside.trim();
  try {
    return { at, text, names: parsePath(text), issue: null };
  } catch (error) {
    if (!(error instanceof UnresolvedReference)) throw error;
    return { at, text, names: [], issue: error.message };
  }
};
