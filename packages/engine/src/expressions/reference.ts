// `${{ steps.build.output.path }}` in an input: looked up, never computed, so that what a model or a client wrote can't run.
import type { Json } from '@capstan/contracts';

export class UnresolvedReference extends Error {
  override readonly name = 'UnresolvedReference';
}

/** Looks up the first two names of a path, such as `steps.build`; the rest is followed within what it gave. */
export type Lookup = (root: string, name: string, path: string) => unknown;

export const reference = /\$\{\{([^{}]{1,512})\}\}/g;
const whole = /^\$\{\{([^{}]{1,512})\}\}$/;

/** Replaces every reference in every string of a value. A string that is nothing but one reference becomes the value itself. */
export const resolve = (value: Json, lookup: Lookup): Json => {
  if (typeof value === 'string') return value.includes('${{') ? resolveText(value, lookup) : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => resolve(item as Json, lookup));
  // A secret is resolved by the agent alone; nothing that happens here may become part of it.
  if (Object.hasOwn(value, '$secret')) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item as Json, lookup)]));
};

const resolveText = (text: string, lookup: Lookup): Json => {
  const only = whole.exec(text);
  if (only) return follow((only[1] as string).trim(), lookup) as Json;
  return text.replace(reference, (_, path: string) => {
    const value = follow(path.trim(), lookup);
    if (isStored(value)) throw new UnresolvedReference(`"${path.trim()}" ${tooLarge} be written into a text`);
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
};

/** An output that is so large that it is in the object store; its agent wrote down where. Agents put it back in place. */
const isStored = (value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  Object.hasOwn(value, '$ref') &&
  Object.hasOwn(value, 'sha256') &&
  Object.hasOwn(value, 'size');

const tooLarge = 'is too large to be kept in the task; it can be handed on as a whole, but not';

/** A secret is named by whoever writes a plan. One that came out of a step would be chosen by an agent, or by a model behind it. */
const holdsSecret = (value: unknown): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (Object.hasOwn(value, '$secret') || Object.values(value).some((item) => holdsSecret(item)));

/** What was found out about an object once stays true: values are never changed in place. */
const known = new WeakMap<object, boolean>();

/** Whether a value holds any reference; one without is handed on as it is. */
export const hasReference = (value: Json): boolean => {
  if (typeof value === 'string') return value.includes('${{');
  if (value === null || typeof value !== 'object') return false;
  let has = known.get(value);
  if (has === undefined) {
    has = (Array.isArray(value) ? value : Object.values(value)).some((item) => hasReference(item as Json));
    known.set(value, has);
  }
  return has;
};

const advice = 'write steps.<id>.output.<path>, params.<name>, task.<field>, loop.<phase>, each.index or each.item';

const follow = (path: string, lookup: Lookup): unknown => {
  const names = parsePath(path);
  const [root, name, ...rest] = names;
  if (root === undefined || name === undefined) throw new UnresolvedReference(`"${path}" names nothing: ${advice}`);
  let value = lookup(root, name, path);
  for (const part of rest) {
    if (isStored(value)) throw new UnresolvedReference(`"${path}" ${tooLarge} be looked into`);
    // Own properties only: `constructor` and its kin are reached through no path.
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, part)) {
      throw new UnresolvedReference(`"${path}" does not exist: there is no "${part}" in it`);
    }
    value = (value as Record<string, unknown>)[part];
  }
  if (value === undefined) throw new UnresolvedReference(`"${path}" does not exist`);
  if (holdsSecret(value)) throw new UnresolvedReference(`"${path}" holds a secret, which no expression may hand on`);
  return value;
};

/** `a.b-c[0]["d e"]` as its names. */
export const parsePath = (path: string): string[] => {
  const names: string[] = [];
  const token = /\.?([A-Za-z0-9_$-]+)|\[(\d+)\]|\[["']([^"'\]]+)["']\]/gy;
  let end = 0;
  for (let match = token.exec(path); match; match = token.exec(path)) {
    names.push((match[1] ?? match[2] ?? match[3]) as string);
    end = token.lastIndex;
  }
  if (end !== path.length) throw new UnresolvedReference(`"${path}" is no path`);
  return names;
};
