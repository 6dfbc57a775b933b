// `models.yaml`: which models there are, where, and what each can do.
import { readFileSync } from 'node:fs';
import { ConfigMistake } from '@capstan/kit';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { providers } from './providers/index.ts';

const entry = z.strictObject({
  provider: z.enum(providers.map(({ name }) => name) as [string, ...string[]]),
  /** As the provider calls it. */
  model: z.string().min(1),
  base_url: z.url({ protocol: /^https?$/ }).optional(),
  api_key: z.union([z.string(), z.strictObject({ $secret: z.string() })]).optional(),
  temperature: z.number().min(0).max(2).optional(),
  /** Of an answer. */
  max_tokens: z.int().min(1).default(4_096),
  /** Of question and answer together. */
  context_window: z.int().min(256).default(32_768),
  /** Such as `json_schema`: the provider holds it to a schema; or `code`, `plan`, for choosing one. */
  capabilities: z.array(z.string()).default([]),
  /** Calls at a time, of each process. */
  concurrency: z.int().min(1).max(1_000).default(2),
  /** From one piece of an answer to the next. */
  timeout_ms: z.int().min(1).max(3_600_000).default(120_000),
});
export type ModelEntry = z.output<typeof entry>;

const shape = z
  .strictObject({
    /** Where nobody says which. */
    default: z.string().optional(),
    models: z.record(z.string().regex(/^[A-Za-z0-9][\w.:-]{0,63}$/), entry),
  })
  .refine(({ default: name, models }) => name === undefined || Object.hasOwn(models, name), {
    path: ['default'],
    error: 'is not among the models',
  });

export interface ModelsFile {
  readonly default: string | undefined;
  readonly models: Readonly<Record<string, ModelEntry>>;
}

/** Throws `ConfigMistake`, whose message is one line for a person. */
export const loadModelsFile = (file: string): ModelsFile => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigMistake(
      `${file}: the file of models can't be read (${(error as NodeJS.ErrnoException).code}). Correct "models" in the configuration, or CAPSTAN_MODELS.`,
    );
  }
  const document = parseDocument(text);
  const [wrong] = document.errors;
  if (wrong) throw new ConfigMistake(`${file}: is no YAML: ${wrong.message.split('\n')[0]}`);
  const parsed = shape.safeParse(document.toJS());
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigMistake(`${file}: ${issue?.path.join('.') || 'the file'}: ${issue?.message}.`);
  }
  const { models } = parsed.data;
  return { models, default: parsed.data.default ?? Object.keys(models)[0] };
};
