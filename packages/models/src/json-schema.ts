// Checks a value against a JSON Schema that somebody else wrote. It is interpreted, never made into code, since it is a stranger's.
import { type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema';

const issuesShown = 3;

const drafts: Readonly<Record<string, SchemaDraft>> = {
  'http://json-schema.org/draft-04/schema': '4',
  'http://json-schema.org/draft-07/schema': '7',
  'https://json-schema.org/draft/2019-09/schema': '2019-09',
};

/** Null where it passes; otherwise where it does not, and why. Throws where the schema itself is none. */
export const checkAgainst = (schema: Readonly<Record<string, unknown>>, value: unknown): string | null => {
  const { $schema } = schema;
  const draft = (typeof $schema === 'string' && drafts[$schema.replace(/#$/, '')]) || '2020-12';
  const { valid, errors } = new Validator(schema as Schema, draft, false).validate(value);
  if (valid) return null;
  // What holds others says only that something in it is wrong; the innermost says what.
  const inner = errors.filter(
    ({ keyword }) => !['properties', 'items', 'prefixItems', 'allOf', '$ref'].includes(keyword),
  );
  const shown = (inner.length > 0 ? inner : errors).map(({ instanceLocation, error }) => {
    const path = instanceLocation.replace(/^#\/?/, '').replaceAll('/', '.');
    return `${path || 'input'}: ${error.replace(/\.$/, '')}`;
  });
  const few = [...new Set(shown)].slice(0, issuesShown);
  return few.join('; ');
};
