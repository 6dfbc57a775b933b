// A template and its parameters as a plan. Parameters are checked first; a reference to one stays where the engine resolves it by itself
// (inputs, conditions, lists of families), so that what was asked can still be read in the plan; elsewhere it is filled in here.
import { nearest, reject, Stopped } from '@capstan/kit';
import type { Param, Template, Templates } from './templates.ts';

export interface Wanted {
  readonly name: string;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** Throws `Stopped` where there is no such template, or the parameters are not what it takes. */
export const renderTemplate = (templates: Templates, wanted: Wanted): unknown => {
  const template = templates.get(wanted.name);
  if (!template)
    throw refused('unknown_template', `There is no template "${wanted.name}".${meant(wanted.name, templates.keys())}`);
  const params = paramsOf(template, wanted.params ?? {});
  const { steps, ...head } = template.plan;
  const filled = fill(head, params) as Record<string, unknown>;
  return {
    ...filled,
    params: { ...(filled['params'] as object | undefined), ...params },
    steps: steps.map((step) => fillStep(step, params)),
  };
};

const paramsOf = (
  { name, params: known }: Template,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> => {
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(known, key))
      throw refused(
        'invalid_params',
        `params.${key}: the template "${name}" has no such parameter.${meant(key, Object.keys(known))}`,
      );
  }
  const params: Record<string, unknown> = {};
  for (const [key, param] of Object.entries(known)) {
    const value = Object.hasOwn(given, key) ? given[key] : param.default;
    if (value === undefined)
      throw refused(
        'invalid_params',
        `params.${key}: the template "${name}" needs it${param.description ? `: ${param.description}` : '.'}`,
      );
    const issue = issueOf(param, value);
    if (issue) throw refused('invalid_params', `params.${key}: ${issue}`);
    params[key] = value;
  }
  return params;
};

const issueOf = (param: Param, value: unknown): string | null => {
  // Whoever runs the step resolves it; what it holds can't be known here.
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, '$secret')) return null;
  if (!typeFits(param.type, value)) return `must be ${nouns[param.type]}`;
  if (param.enum && !param.enum.includes(value)) return `must be one of ${param.enum.map(String).join(', ')}`;
  const size =
    typeof value === 'number' ? value : typeof value === 'string' || Array.isArray(value) ? value.length : null;
  if (size !== null && param.min !== undefined && size < param.min) return `must be at least ${param.min}`;
  if (size !== null && param.max !== undefined && size > param.max) return `must be at most ${param.max}`;
  return null;
};

const nouns: Readonly<Record<Param['type'], string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  list: 'a list',
  object: 'an object',
  any: 'anything',
};

const typeFits = (type: Param['type'], value: unknown): boolean => {
  switch (type) {
    case 'any':
      return true;
    case 'list':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
};

const fillStep = (
  step: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
): Record<string, unknown> => {
  const { input, when, each, undo, ...rest } = step;
  const items = (each as { items?: unknown } | undefined)?.items;
  return {
    ...(fill(rest, params) as Record<string, unknown>),
    ...(input === undefined ? {} : { input }),
    ...(when === undefined ? {} : { when }),
    ...(each === undefined
      ? {}
      : { each: { ...(fill(each, params) as object), ...(items === undefined ? {} : { items }) } }),
    ...(undo === undefined ? {} : { undo }),
  };
};

const reference = /\$\{\{\s*params\.([A-Za-z0-9_-]+)\s*\}\}/g;

/** A string that is nothing but one reference becomes the value itself, of whatever type. */
const fill = (value: unknown, params: Readonly<Record<string, unknown>>): unknown => {
  if (typeof value === 'string') {
    const only = new RegExp(`^${reference.source}$`).exec(value);
    if (only) return lookUp(only[1] as string, params);
    return value.replace(reference, (_, name: string) => {
      const found = lookUp(name, params);
      return typeof found === 'string' ? found : JSON.stringify(found);
    });
  }
  if (Array.isArray(value)) return value.map((inner) => fill(inner, params));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner, params)]));
};

const lookUp = (name: string, params: Readonly<Record<string, unknown>>): unknown => {
  if (!Object.hasOwn(params, name))
    throw refused('invalid_template', `The template refers to params.${name}, which it does not declare.`);
  return params[name];
};

const meant = (name: string, known: Iterable<string>): string => {
  const names = [...known];
  const near = nearest(name, names);
  return `${near ? ` Did you mean "${near}"?` : ''} There ${names.length === 0 ? 'is none' : `are ${names.join(', ')}`}.`;
};

const refused = (code: string, message: string): Stopped => new Stopped(reject(code, message));
