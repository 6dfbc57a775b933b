// A repository in the place of a check: `{ "repository": "code" }`. Its own pipeline says what is run.
import { z } from 'zod';
import { stages } from './pipeline/stages.ts';

export const repository = z.strictObject({
  /** Its folder, relative to the task's own directory. */
  repository: z.string().min(1).max(4_096),
  /** Only these stages. */
  stages: z.array(z.enum(stages)).min(1).optional(),
  /** Whether to ask databases of vulnerabilities about its dependencies, as far as the step or the configuration lets out to them. */
  audit: z.boolean().optional(),
});
export type Repository = z.output<typeof repository>;
