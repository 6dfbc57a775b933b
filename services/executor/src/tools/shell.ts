// Runs a command. Today on this host alone, behind a switch, without a sandbox; where commands run is decided by `commands`.
import { resolve } from 'node:path';
import { commandEnvironment, type CommandResult, done, type Outcome, retry } from '@capstan/kit';
import { z } from 'zod';
import { defineTool } from '../tool.ts';

const text = z
  .string()
  .max(131_072)
  .regex(/^[^\0]*$/, 'must not have a NUL in it');
/** An expression that is a whole argument keeps its type, so a number may stand here. */
const argument = z.union([text, z.number().transform(String), z.boolean().transform(String)]);

const input = z
  .looseObject({
    command: z
      .union([z.array(argument).min(1).max(10_000), text.min(1)])
      .describe('Program and arguments; nothing in them is interpreted'),
    shell: z
      .boolean()
      .default(false)
      .describe('Lets command be one line for /bin/sh; never put together from what a model or a stranger said'),
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of letters, digits and "_"'), argument)
      .default({}),
    cwd: z.string().max(4_096).default('.').describe("Relative to the task's own directory"),
    stdin: z.string().optional(),
    timeout_ms: z.int().min(1).max(2_000_000_000).optional(),
    success_codes: z.array(z.int().min(0).max(255)).min(1).default([0]),
    tail_bytes: z
      .int()
      .min(0)
      .max(1_024 * 1_024)
      .default(3_000)
      .describe('How much of the end of each stream becomes output; all of it is in the log of the step'),
  })
  .refine(({ command, shell }) => shell || Array.isArray(command), {
    path: ['command'],
    error: 'must be a list of program and arguments; one line for a shell needs "shell": true',
  })
  .refine(({ command, shell }) => !shell || !Array.isArray(command), {
    path: ['command'],
    error: 'must be one line where "shell" is true',
  });

export const shell = defineTool({
  name: 'shell',
  description: 'Runs a command.',
  input,
  output: z.strictObject({
    exit_code: z.int(),
    stdout: z.string(),
    stderr: z.string(),
    truncated: z.boolean(),
    wall_ms: z.int(),
  }),
  risk: 'medium',
  needs: { sandbox: true },
  run: async (asked, { commands, workspaces, order, signal, output, masked }) => {
    const workspace = await workspaces.use(order.task_id);
    try {
      const argv = (Array.isArray(asked.command) ? asked.command : ['/bin/sh', '-c', asked.command]) as [
        string,
        ...string[],
      ];
      const result = await commands({
        argv,
        cwd: resolve(workspace.path, asked.cwd),
        env: commandEnvironment(order, workspace.path, asked.env),
        stdin: asked.stdin,
        signal,
        timeoutMs: asked.timeout_ms,
        tailBytes: asked.tail_bytes,
        onOutput: output,
        masked,
      });
      return judge(result, argv[0], asked.success_codes);
    } finally {
      workspace.release();
    }
  },
});

const judge = (result: CommandResult, program: string, successCodes: readonly number[]): Outcome => {
  const { exitCode, signal, timedOut, stdout, stderr, truncated, wallMs } = result;
  const output = { exit_code: exitCode ?? 128, stdout, stderr, truncated, wall_ms: wallMs };
  if (timedOut) return retry('command_timeout', `"${program}" was ended after ${wallMs} ms.`, { output });
  if (exitCode === null) return retry('command_killed', `"${program}" was ended by ${signal}.`, { output });
  if (successCodes.includes(exitCode)) return done(output);
  const last = (stderr || stdout).trimEnd().split('\n').slice(-3).join('\n').slice(-500);
  return retry('command_failed', `"${program}" ended with ${exitCode}${last ? `: ${last}` : '.'}`, { output });
};
