// What a configuration file may say about `capstan up`, under `up:`. The command line and the environment go over it.
import type { Config, Section } from '@capstan/kit';
import { z } from 'zod';

const schema = z.strictObject({
  port: z.int().min(0).max(65_535).optional(),
  http: z.int().min(0).max(65_535).optional(),
  data: z.string().min(1).optional(),
  executors: z.int().min(1).max(64).optional(),
  demo: z.boolean().optional(),
  strict: z.boolean().optional(),
});

export const upSection: Section<typeof schema> = { schema };
export type UpConfig = Config<z.output<typeof schema>>;
