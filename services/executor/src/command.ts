// What tools that run a command have in common: how arguments are written, where it runs, and what its end means.
import { done, type Outcome, retry } from '@capstan/kit';
import type { CommandResult } from '@capstan/sandbox';
import { z } from 'zod';
import type { ToolContext } from './tool.ts';

export const text = z
  .string()
  .max(131_072)
  .regex(/^[^\0]*$/, 'must not have a NUL in it');
/** An expression that is a whole argument keeps its type, so a number may stand here. */
export const argument = z.union([text, z.number().transform(String), z.boolean().transform(String)]);

/** Beside what is to be run. */
export const commandOptions = {
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of letters, digits and "_"'), argument)
    .default({})
    .describe('Environment variables; nothing of the agent is in its environment'),
  cwd: z.string().max(4_096).default('.').describe("Relative to the task's own directory"),
  timeout_ms: z.int().min(1).max(2_000_000_000).optional().describe('Its own limit, beside that of the step'),
  success_codes: z.array(z.int().min(0).max(255)).min(1).default([0]).describe('Exit codes that count as success'),
  tail_bytes: z
    .int()
    .min(0)
    .max(1_024 * 1_024)
    .default(3_000)
    .describe('How much of the end of each stream becomes output; all of it is in the log of the step'),
  artifacts: z
    .array(z.string().min(1).max(1_024))
    .max(100)
    .default([])
    .describe('What of the workspace is kept as artifacts: files, folders, or patterns such as dist/*.tgz'),
};

export const commandOutput = z.strictObject({
  exit_code: z.int(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.boolean(),
  wall_ms: z.int(),
});

export interface CommandAsked {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string | undefined;
  readonly timeout_ms?: number | undefined;
  readonly tail_bytes: number;
  readonly artifacts?: readonly string[];
}

/** In the workspace of the task. Any exit code is a result. */
export const runCommand = async (asked: CommandAsked, context: ToolContext): Promise<CommandResult> => {
  const workspace = await context.sandbox.open(context.order, context);
  try {
    const result = await workspace.run({
      argv: asked.argv,
      cwd: asked.cwd,
      env: asked.env,
      stdin: asked.stdin,
      timeoutMs: asked.timeout_ms,
      tailBytes: asked.tail_bytes,
    });
    // Also of a command that failed: a report of what went wrong is what they are often for.
    for (const { name, data } of await workspace.collect(asked.artifacts ?? [])) await context.artifact(name, data);
    return result;
  } finally {
    workspace.release();
  }
};

export const judgeCommand = (result: CommandResult, program: string, successCodes: readonly number[]): Outcome => {
  const { exitCode, signal, timedOut, outOfMemory, stdout, stderr, truncated, wallMs } = result;
  const output = { exit_code: exitCode ?? 128, stdout, stderr, truncated, wall_ms: wallMs };
  if (outOfMemory)
    return retry('out_of_memory', `"${program}" needed more memory than sandbox.memory_mb gives it.`, { output });
  if (timedOut) return retry('command_timeout', `"${program}" was ended after ${wallMs} ms.`, { output });
  if (exitCode === null) return retry('command_killed', `"${program}" was ended by ${signal}.`, { output });
  if (successCodes.includes(exitCode)) return done(output);
  const last = (stderr || stdout).trimEnd().split('\n').slice(-3).join('\n').slice(-500);
  return retry('command_failed', `"${program}" ended with ${exitCode}${last ? `: ${last}` : '.'}`, { output });
};
