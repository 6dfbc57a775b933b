// A check: `{ "command": ["npm", "test"], "category": "test" }`, as a plan or a repository writes it.
import { z } from 'zod';

const text = z
  .string()
  .max(131_072)
  .regex(/^[^\0]*$/, 'must not have a NUL in it');
/** An expression that is a whole argument keeps its type, so a number may stand here. */
const argument = z.union([text, z.number().transform(String), z.boolean().transform(String)]);

export const checkShape = {
  command: z.array(argument).min(1).max(10_000),
  name: z.string().min(1).max(256).optional(),
  /** `build`, `test`, `lint`, `security`, `custom`, or one's own. Where nothing is said, what reads the output knows. */
  category: z.string().min(1).max(64).optional(),
  /** How bad an error is; a warning is one less. Major where nothing is said, and medium for `lint`. */
  severity: z.enum(['major', 'medium', 'minor']).optional(),
  /** What prints it, by the name of a verifier; found out where nothing is said. */
  format: z.string().min(1).max(64).optional(),
  /** Files that the command leaves, to be read instead of what it prints: paths, or patterns such as `reports/*.xml`. */
  reports: z.array(text.min(1).max(1_024)).max(20).optional(),
  /** A criterion of the step, in its very words, that this check decides. */
  criterion: z.string().min(1).max(4_096).optional(),
  /** Relative to the task's own directory, or to the repository that says so. */
  cwd: z.string().max(4_096).default('.'),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), argument).default({}),
  timeout_ms: z.int().min(1).max(2_000_000_000).optional(),
};

export const check = z.looseObject(checkShape);
export type Check = z.output<typeof check>;

/** A line for the shell is its own name. */
export const nameOf = ({ name, command }: Pick<Check, 'name' | 'command'>): string => {
  const [program, flag, line] = command;
  return name ?? (program === '/bin/sh' && flag === '-c' && line ? line : command.join(' ')).slice(0, 256);
};
