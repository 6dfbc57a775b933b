// Templates as files: YAML, checked when the planner starts, so that a mistake is found by whoever wrote it and not by who uses it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { id } from '@capstan/contracts';
import { ConfigMistake } from '@capstan/kit';
import { parseDocument } from 'yaml';
import { z } from 'zod';

const param = z
  .strictObject({
    type: z.enum(['string', 'number', 'integer', 'boolean', 'list', 'object', 'any']).default('string'),
    description: z.string().optional(),
    /** Where there is none, the parameter must be given. */
    default: z.unknown().optional(),
    enum: z.array(z.unknown()).min(1).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
  })
  .readonly();

const template = z.strictObject({
  name: id,
  description: z.string().min(1),
  params: z.record(id, param).default({}),
  /** A plan in which `${{ params.x }}` may stand anywhere; checked once it is filled in. */
  plan: z.looseObject({ steps: z.array(z.looseObject({ id: z.string(), capability: z.string() })).min(1) }),
});

export type Param = z.output<typeof param>;
export type Template = z.output<typeof template>;
export type Templates = ReadonlyMap<string, Template>;

/** A later folder goes over an earlier one. Throws `ConfigMistake`. */
export const loadTemplates = (folders: readonly string[]): Templates => {
  const found = new Map<string, Template>();
  for (const folder of folders) {
    for (const file of filesIn(folder)) {
      const one = readTemplate(file);
      found.set(one.name, one);
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
};

const filesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => join(folder, name));
  } catch (error) {
    throw new ConfigMistake(
      `${folder}: this folder of templates can't be read (${(error as NodeJS.ErrnoException).code}). Correct planner.templates.`,
    );
  }
};

const readTemplate = (file: string): Template => {
  const document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: true });
  const wrong = document.errors[0];
  if (wrong) throw new ConfigMistake(`${file}: this is not YAML: ${wrong.message.split('\n')[0]}`);
  const parsed = template.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ConfigMistake(`${file}: ${issue?.path.map(String).join('.') || 'the template'}: ${issue?.message}.`);
};
