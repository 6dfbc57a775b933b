// Runs a script: many lines for an interpreter, which reads them from its input, so that nothing of them is in a list of processes.
import { z } from 'zod';
import { argument, commandOptions, commandOutput, judgeCommand, runCommand, text } from '../command.ts';
import { defineTool } from '../tool.ts';

/** Each takes `-` or `-s` for "what comes in", with the arguments behind it. */
const interpreters = {
  sh: ['sh', '-s', '--'],
  bash: ['bash', '-s', '--'],
  node: ['node', '-'],
  python: ['python3', '-'],
} as const;

export const script = defineTool({
  name: 'script',
  description: 'Runs a script of several lines.',
  input: z.looseObject({
    script: text.min(1).describe('The lines themselves'),
    language: z.enum(['sh', 'bash', 'node', 'python']).default('sh').describe('What reads them'),
    strict: z.boolean().default(true).describe('For sh and bash: end at the first command that fails'),
    args: z.array(argument).max(1_000).default([]).describe('Arguments of the script'),
    ...commandOptions,
  }),
  output: commandOutput,
  risk: 'medium',
  needs: { sandbox: true },
  run: async (asked, context) => {
    const { language, strict, args } = asked;
    const shell = language === 'sh' || language === 'bash';
    // A command in the script that reads its own input would otherwise eat the lines that are still to come.
    const stdin = shell ? `{\n${strict ? 'set -e\n' : ''}${asked.script}\n} </dev/null\n` : asked.script;
    const argv = [...interpreters[language], ...args] as unknown as [string, ...string[]];
    return judgeCommand(await runCommand({ ...asked, argv, stdin }, context), argv[0], asked.success_codes);
  },
});
