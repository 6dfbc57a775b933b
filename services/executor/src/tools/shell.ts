// Runs a command in the sandbox. What it may use and reach is what the step says in its `sandbox`.
import { z } from 'zod';
import { argument, commandOptions, commandOutput, judgeCommand, runCommand, text } from '../command.ts';
import { defineTool } from '../tool.ts';

const input = z
  .looseObject({
    command: z
      .union([z.array(argument).min(1).max(10_000), text.min(1)])
      .describe('Program and arguments; nothing in them is interpreted'),
    shell: z
      .boolean()
      .default(false)
      .describe('Lets command be one line for /bin/sh; never put together from what a model or a stranger said'),
    stdin: z.string().optional(),
    ...commandOptions,
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
  output: commandOutput,
  risk: 'medium',
  needs: { sandbox: true },
  run: async (asked, context) => {
    const argv = (Array.isArray(asked.command) ? asked.command : ['/bin/sh', '-c', asked.command]) as [
      string,
      ...string[],
    ];
    return judgeCommand(await runCommand({ ...asked, argv }, context), argv[0], asked.success_codes);
  },
});
