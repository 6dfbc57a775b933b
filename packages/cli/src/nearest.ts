// The word that somebody probably meant: one that begins so, else the one with the fewest mistypings.
import { nearest } from '@capstan/kit';

export const nearestOf = (word: string, known: readonly string[]): string | null => {
  const begun = word.length >= 2 ? known.filter((name) => name.startsWith(word)) : [];
  // A long word is no mistyping, and comparing costs its length.
  return begun.length === 1 ? (begun[0] ?? null) : word.length > 40 ? null : nearest(word, known);
};
