// Writes packages/contracts/schema/<name>.json from the zod schemas: `node packages/contracts/src/generate.ts`.
// The files are checked in, so that an agent author in any language has them; a test fails when they are out of date.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { published } from './published.ts';

export const schemaDirectory = fileURLToPath(new URL('../schema/', import.meta.url));

/** The text of every file, by file name. */
export const schemaFiles = (): Map<string, string> =>
  new Map(
    Object.entries(published).map(([name, { schema, says, also }]) => {
      const { $schema, ...shape } = z.toJSONSchema(schema, { io: 'input', override: simplify });
      const whole = {
        $schema,
        $id: `urn:capstan:schema:v1:${name}`,
        description: says,
        ...(sorted(shape) as object),
        ...also,
      };
      return [`${name}.json`, `${print(whole)}\n`];
    }),
  );

/** zod says of every record that its keys are strings; in JSON they always are. */
function simplify({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const names = jsonSchema.propertyNames;
  if (typeof names === 'object' && Object.keys(names).join() === 'type') delete jsonSchema.propertyNames;
}

const first = ['type', 'const', 'enum', 'properties', 'required'];
const place = (key: string): string => `${first.includes(key) ? first.indexOf(key) : first.length}${key}`;

/** Keywords in one order whatever zod's version; properties stay as they are declared. */
function sorted(value: unknown, declared = false): unknown {
  if (Array.isArray(value)) return value.map((item) => sorted(item));
  if (typeof value !== 'object' || value === null) return value;
  const keys = Object.keys(value);
  if (!declared) keys.sort((a, b) => (place(a) < place(b) ? -1 : 1));
  return Object.fromEntries(
    keys.map((key) => [key, sorted((value as Record<string, unknown>)[key], !declared && key === 'properties')]),
  );
}

const widthMax = 120;

/** As the formatter writes JSON: a list of plain values on one line where it fits, everything else on lines of its own. */
function print(value: unknown, indent = '', taken = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    const line = `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
    if (value.every((item) => typeof item !== 'object') && indent.length + taken + line.length < widthMax) return line;
    return value.length === 0
      ? '[]'
      : `[\n${value.map((item) => deeper + print(item, deeper)).join(',\n')}\n${indent}]`;
  }
  const lines = Object.entries(value).map(([key, item]) => {
    const name = `${JSON.stringify(key)}: `;
    return deeper + name + print(item, deeper, name.length);
  });
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = schemaFiles();
  mkdirSync(schemaDirectory, { recursive: true });
  for (const name of readdirSync(schemaDirectory)) {
    if (name.endsWith('.json') && !files.has(name)) rmSync(schemaDirectory + name);
  }
  for (const [name, text] of files) writeFileSync(schemaDirectory + name, text);
  process.stdout.write(`${files.size} schemas written to packages/contracts/schema\n`);
}
