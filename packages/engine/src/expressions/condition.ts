// `when`: a CEL expression over params, steps, task, loop and each. CEL always ends, has no side effects and reads only what it is given.
import { Environment, type ParseResult } from '@marcbachmann/cel-js';

const number = (value: unknown): number => Number(value);

// JSON has one kind of number, which CEL sees as a double, while `1` in an expression is an int: let both meet.
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 1_000, maxDepth: 50 },
})
  .registerOperator('double + int', (a: number, b: bigint) => a + number(b))
  .registerOperator('int + double', (a: bigint, b: number) => number(a) + b)
  .registerOperator('double - int', (a: number, b: bigint) => a - number(b))
  .registerOperator('int - double', (a: bigint, b: number) => number(a) - b)
  .registerOperator('double * int', (a: number, b: bigint) => a * number(b))
  .registerOperator('int * double', (a: bigint, b: number) => number(a) * b)
  .registerOperator('double / int', (a: number, b: bigint) => a / number(b))
  .registerOperator('int / double', (a: bigint, b: number) => number(a) / b);

// Only a cache of what follows from the text itself; bounded, since texts come from outside.
const parsed = new Map<string, ParseResult>();
const parsedMax = 1_000;

const parse = (text: string): ParseResult => {
  let result = parsed.get(text);
  if (result === undefined) {
    result = environment.parse(text);
    if (parsed.size >= parsedMax) parsed.clear();
    parsed.set(text, result);
  }
  return result;
};

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] as string;

/** What is wrong with the text of a condition, or null. */
export const conditionIssue = (text: string): string | null => {
  try {
    parse(text);
    return null;
  } catch (error) {
    return `is no CEL expression: ${firstLine(error)}`;
  }
};

/** The ids of the steps that a condition may read; only these are looked up. */
export const stepsNamed = (text: string): string[] => [
  ...new Set([...text.matchAll(/\bsteps\s*(?:\.\s*([A-Za-z0-9_]+)|\[\s*["']([^"']+)["']\s*\])/g)].map((match) => (match[1] ?? match[2]) as string)),
];

export type Verdict = { readonly holds: boolean } | { readonly issue: string };

export const evaluateCondition = (text: string, scope: Readonly<Record<string, unknown>>): Verdict => {
  try {
    const value: unknown = parse(text)(scope);
    return typeof value === 'boolean' ? { holds: value } : { issue: `gave ${typeof value === 'bigint' ? 'a number' : typeof value}; a condition must give true or false` };
  } catch (error) {
    return { issue: firstLine(error) };
  }
};
