// What a tool is, and how one is run: its input is checked before it, its output after it.
import type { Order, Risk } from '@capstan/contracts';
import { done, type Outcome, reject, type RunCommand, type Workspaces } from '@capstan/kit';
import type { z } from 'zod';
import type { ExecutorContext } from './settings.ts';

export interface ToolContext extends ExecutorContext {
  readonly order: Order;
  readonly commands: RunCommand;
  readonly workspaces: Workspaces;
}

export interface Tool {
  /** Its capability. */
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /** Of a step that doesn't say. */
  readonly risk: Risk;
  /** What it can't work without: `host-shell`, `network`. */
  readonly needs: readonly string[];
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
  const input = tool.input.safeParse(await context.input());
  if (!input.success) return reject('invalid_input', issues(input.error));
  const outcome = await tool.run(input.data as never, context);
  if (outcome.kind !== 'done') return outcome;
  const output = tool.output.safeParse(outcome.output);
  if (!output.success)
    return reject('invalid_output', `The tool "${tool.name}" gave back what it should not: ${issues(output.error)}`);
  return done(output.data, outcome);
};

const issuesShown = 3;

const issues = ({ issues: all }: z.ZodError): string => {
  const shown = all
    .slice(0, issuesShown)
    .map(({ path, message }) => `${path.length > 0 ? path.map(String).join('.') : 'input'}: ${message}`);
  return all.length > issuesShown ? `${shown.join('; ')}; and ${all.length - issuesShown} more` : shown.join('; ');
};
