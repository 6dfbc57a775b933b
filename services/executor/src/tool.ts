// What a tool is, and how one is run: its input is checked before it, its output after it.
import type { Order, Risk, ToolNeeds } from '@capstan/contracts';
import { done, type Outcome, reject } from '@capstan/kit';
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

export interface Tool {
  /** Its capability. */
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /** What a plan should say of a step with it; the engine goes by the step alone. */
  readonly risk: Risk;
  /** What it can't work without. */
  readonly needs: ToolNeeds;
  /** Where others describe it, their own JSON Schemas. */
  readonly schemas?: { readonly input: object; readonly output: object };
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
