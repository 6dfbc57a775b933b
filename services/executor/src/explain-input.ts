// A tool's input that it can't take, in words: where, what was expected, and where to read on.
import { nearest } from '@capstan/kit';
import type { z } from 'zod';
import type { Tool } from './tool.ts';

const issuesShown = 3;

export const explainInput = (tool: string, { issues }: z.ZodError): string => {
  const shown = issues
    .slice(0, issuesShown)
    .map(({ path, message }) => `${path.length > 0 ? path.map(String).join('.') : 'input'}: ${message}`);
  if (issues.length > issuesShown) shown.push(`and ${issues.length - issuesShown} more`);
  return `${shown.join('; ')}. \`capstan tools ${tool}\` shows what it takes.`;
};

/**
 * What a tool does not know is passed over, as everywhere; but a word that is nearly one of its own was meant for it, and a time limit
 * that is left out in silence would be missed too late.
 */
export const mistyped = (tool: Tool, given: Readonly<Record<string, unknown>>): string | null => {
  const shape = shapeOf(tool.input as Shaped, given);
  if (!shape) return null;
  const known = Object.keys(shape);
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(shape, key)) continue;
    const meant = nearest(
      key,
      known.filter((name) => !Object.hasOwn(given, name)),
    );
    if (meant)
      return `${key}: is not an input of "${tool.name}"; did you mean ${meant}? \`capstan tools ${tool.name}\` shows what it takes.`;
  }
  return null;
};

interface Shaped {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly def?: { readonly discriminator?: string; readonly options?: readonly Shaped[] };
}

/** Of several kinds of input, the kind that this one says it is. */
const shapeOf = ({ shape, def }: Shaped, given: Readonly<Record<string, unknown>>): Shaped['shape'] => {
  if (shape || !def?.discriminator || !def.options) return shape;
  const said = given[def.discriminator];
  const kind = (option: Shaped) =>
    (option.shape?.[def.discriminator as string] as { value?: unknown } | undefined)?.value;
  return def.options.find((option) => kind(option) === said)?.shape;
};
