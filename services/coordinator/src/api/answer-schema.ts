// An answer is held against the schema that its question came with, before it is stored: a stored answer is final. The schema is an agent's, so it
// is interpreted, never made into code, and its patterns are left out: one of them could keep a coordinator busy for ever.
import { type Schema, Validator } from '@cfworker/json-schema';
import type { Field, Json } from '@capstan/contracts';

const leftOut = new Set(['pattern', 'patternProperties', 'format']);
const issuesMax = 5;

/** What is wrong with an answer; nothing where the schema can't be followed. */
export const answerIssues = (schema: Json, value: Json): Field[] => {
  try {
    const { valid, errors } = new Validator(plain(schema) as Schema, '2020-12', false).validate(value);
    if (valid) return [];
    return errors
      .filter(({ keyword }) => keyword !== 'properties' && keyword !== 'items')
      .slice(0, issuesMax)
      .map(({ instanceLocation, error }) => ({
        path: `value${instanceLocation.replace(/^#/, '').replaceAll('/', '.')}`,
        issue: error,
      }));
  } catch {
    return [];
  }
};

const plain = (value: Json): Json => {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => plain(item as Json));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !leftOut.has(key))
      .map(([key, item]) => [key, plain(item as Json)]),
  );
};
