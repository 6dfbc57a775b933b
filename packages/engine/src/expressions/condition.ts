// `when`: a CEL expression over params, steps, task, loop and each. CEL has no side effects, reads only what it is given and always ends;
// what could make it end late, since texts come from outside, is refused.
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
  .registerOperator('int / double', (a: bigint, b: number) => number(a) / b)
  .registerOperator('double % int', (a: number, b: bigint) => a % number(b))
  .registerOperator('int % double', (a: bigint, b: number) => number(a) % b);

// Only a cache of what follows from the text itself; bounded, since texts come from outside.
const parsed = new Map<string, ParseResult>();
const parsedMax = 1_000;

const parse = (text: string): ParseResult => {
  let result = parsed.get(text);
  if (result === undefined) {
    result = environment.parse(renameLoop(text));
    refuseSlow(result.ast, false);
    if (parsed.size >= parsedMax) parsed.clear();
    parsed.set(text, result);
  }
  return result;
};

/**
 * The library tells what kind of thing an object is by its `constructor`, which may be a key of its own in what an agent gave: such an
 * object is handed on as a map.
 */
const plain = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  const entries = Object.entries(value).map(([key, item]) => [key, plain(item)] as const);
  return Object.hasOwn(value, 'constructor') ? new Map(entries) : Object.fromEntries(entries);
};

/** CEL keeps the word `loop` for itself, while Capstan's expressions have it as a name: it is read as another one. */
const loopName = 'loop_';
const stringOrLoop = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<![\w.])loop(?!\w)/g;
const renameLoop = (text: string): string =>
  text.replace(stringOrLoop, (match) => (match === 'loop' ? loopName : match));

type Node = { readonly op?: unknown; readonly args?: unknown };
const macros = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

/** A pattern may take for ever to match, and loops within loops take the product of their lists. */
const refuseSlow = (node: unknown, inLoop: boolean): void => {
  if (node === null || typeof node !== 'object') return;
  const { op, args } = node as Node;
  if (op === 'rcall' || op === 'call') {
    const [name, ...rest] = args as [string, ...unknown[]];
    if (name === 'matches') throw new Error('"matches" is not offered here; use contains, startsWith or endsWith');
    if (op === 'rcall' && macros.has(name)) {
      if (inLoop) throw new Error(`"${name}" inside of another loop is not offered here`);
      refuseSlow(rest[0], inLoop);
      refuseSlow(rest[1], true);
      return;
    }
  }
  for (const inner of Array.isArray(node) ? node : [args]) {
    if (Array.isArray(inner)) for (const one of inner) refuseSlow(one, inLoop);
    else refuseSlow(inner, inLoop);
  }
};

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] as string;

/** What is wrong with the text of a condition, or null. */
export const conditionIssue = (text: string): string | null => {
  try {
    parse(text);
    return null;
  } catch (error) {
    return `is no CEL expression: ${firstLine(error)}`;
  }
};

const stepName = /\bsteps\s*(?:\.\s*([A-Za-z0-9_]+)|\[\s*["']([^"']+)["']\s*\])/g;

/** The ids of the steps that a condition may read; only these are looked up. */
export const stepsNamed = (text: string): string[] => [
  ...new Set([...text.matchAll(stepName)].map((match) => (match[1] ?? match[2]) as string)),
];

export type Verdict = { readonly holds: boolean } | { readonly issue: string };

export const evaluateCondition = (text: string, scope: Readonly<Record<string, unknown>>): Verdict => {
  try {
    const condition = parse(text);
    const { loop, ...rest } = scope;
    for (const [name, value] of Object.entries(rest)) {
      const most = longestList(value);
      if (most > listMax)
        return { issue: `"${name}" holds a list of ${most}; a condition may read lists of at most ${listMax}` };
    }
    const value: unknown = condition(plain({ ...rest, [loopName]: loop }) as Record<string, unknown>);
    if (typeof value === 'boolean') return { holds: value };
    return {
      issue: `gave ${typeof value === 'bigint' ? 'a number' : typeof value}; a condition must give true or false`,
    };
  } catch (error) {
    return { issue: firstLine(error) };
  }
};

const listMax = 10_000;
/** Values are never changed in place, so what was once found out about one stays true. */
const lists = new WeakMap<object, number>();

const longestList = (value: unknown): number => {
  if (value === null || typeof value !== 'object') return 0;
  const known = lists.get(value);
  if (known !== undefined) return known;
  let most = Array.isArray(value) ? value.length : 0;
  for (const item of Array.isArray(value) ? value : Object.values(value)) most = Math.max(most, longestList(item));
  lists.set(value, most);
  return most;
};
