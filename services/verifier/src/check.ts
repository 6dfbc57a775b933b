// A check as a plan writes it: `{ "command": ["npm", "test"], "category": "test" }`.
import { z } from 'zod';

const text = z
  .string()
  .max(131_072)
  .regex(/^[^\0]*$/, 'must not have a NUL in it');
/** An expression that is a whole argument keeps its type, so a number may stand here. */
const argument = z.union([text, z.number().transform(String), z.boolean().transform(String)]);

export const check = z.looseObject({
  command: z.array(argument).min(1).max(10_000),
  name: z.string().min(1).max(256).optional(),
  /** `build`, `test`, `lint`, `security`, or one's own. */
  category: z.string().min(1).max(64).default('custom'),
  /** How bad it is where it fails. */
  severity: z.enum(['major', 'medium', 'minor']).default('major'),
  /** Relative to the task's own directory. */
  cwd: z.string().max(4_096).default('.'),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), argument).default({}),
  timeout_ms: z.int().min(1).max(2_000_000_000).optional(),
});
export type Check = z.output<typeof check>;

export const nameOf = ({ name, command }: Check): string => name ?? command.join(' ').slice(0, 256);
