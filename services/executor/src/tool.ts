// What a tool is, and how one is run: its input is checked before it, its output after it.
import type { Order } from '@capstan/contracts';
import { type Described, done, type Outcome, reject } from '@capstan/kit';
import type { Models } from '@capstan/models';
import type { Sandbox } from '@capstan/sandbox';
import type { z } from 'zod';
import { explainInput, mistyped } from './explain-input.ts';
import type { ExecutorContext } from './settings.ts';

export interface ToolContext extends ExecutorContext {
  readonly order: Order;
  readonly sandbox: Sandbox;
  /** Null where no models file is configured. */
  readonly models: Models | null;
}

/** Named like its capability. */
export interface Tool extends Described {
  run(input: never, context: ToolContext): Promise<Outcome>;
}

/** Gives `run` the type of what `input` lets through. */
export const defineTool = <Input extends z.ZodType>(
  tool: Omit<Tool, 'input' | 'run'> & {
    readonly input: Input;
    run(input: z.output<Input>, context: ToolContext): Promise<Outcome>;
  },
): Tool => tool as unknown as Tool;

export const runTool = async (tool: Tool, context: ToolContext): Promise<Outcome> => {
  const given = await context.input();
  const slip = mistyped(tool, given);
  if (slip) return reject('invalid_input', slip);
  const input = tool.input.safeParse(given);
  if (!input.success) return reject('invalid_input', explainInput(tool.name, input.error));
  const outcome = await tool.run(input.data as never, context);
  if (outcome.kind !== 'done') return outcome;
  const output = tool.output.safeParse(outcome.output);
  if (!output.success)
    return reject(
      'invalid_output',
      `The tool "${tool.name}" gave back what it should not: ${explainInput(tool.name, output.error)}`,
    );
  return done(output.data, outcome);
};
