// What is too large for a message goes to the object store, and a reference travels in its place.
import { decodeTrusted, type Objects, sha256 } from '@capstan/bus';
import type { Json, Names } from '@capstan/contracts';
import { reject, retry, Stopped } from '../outcome.ts';

export interface Stored {
  readonly ref: string;
  readonly size: number;
  readonly sha256: string;
}

export interface ClaimCheck {
  /** Stores bytes under a name of this attempt. */
  put(name: string, data: Uint8Array): Promise<Stored>;
  /** Reads what another step of the same task has stored. Throws `Stopped`. */
  get(ref: string, expected?: string): Promise<Uint8Array>;
  /** A copy of a JSON value in which each reference to an output is replaced by that output. */
  load(value: unknown): Promise<unknown>;
}

interface Place {
  readonly objects: Objects;
  readonly names: Names;
  readonly order: { task_id: string; step_id: string; attempt: number };
}

/** References into one input; each may be as large as an output may. */
const loadedBytesMax = 64 * 1_024 * 1_024;

export const newClaimCheck = ({ objects, names, order }: Place): ClaimCheck => {
  const bucket = `${names.buckets.artifacts}/`;
  const get = async (ref: string, expected?: string): Promise<Uint8Array> => {
    const key = ref.startsWith(bucket) ? ref.slice(bucket.length) : ref;
    // Whoever writes an input could name anybody's artifact in it.
    if (!key.startsWith(`${order.task_id}/`))
      throw new Stopped(reject('reference_forbidden', `"${ref}" does not belong to this task.`));
    const data = await objects.get(key);
    if (!data) throw new Stopped(retry('reference_missing', `"${ref}" is not in the artifact store.`));
    if (expected !== undefined && sha256(data) !== expected)
      throw new Stopped(retry('reference_changed', `"${ref}" is not what it was.`));
    return data;
  };
  const load = async (value: unknown, budget: { left: number }): Promise<unknown> => {
    if (typeof value !== 'object' || value === null) return value;
    if (isReference(value, bucket)) {
      budget.left -= value.size;
      if (budget.left < 0)
        throw new Stopped(reject('input_too_large', 'The outputs that this input refers to are too large together.'));
      return decodeTrusted(await get(value.$ref, value.sha256));
    }
    if (Array.isArray(value)) return Promise.all(value.map((inner) => load(inner, budget)));
    const entries = Object.entries(value).map(async ([key, inner]) => [key, await load(inner, budget)] as const);
    return Object.fromEntries(await Promise.all(entries));
  };
  return {
    get,
    load: (value) => load(value, { left: loadedBytesMax }),
    put: async (name, data) => {
      const key = `${order.task_id}/${order.step_id}/${order.attempt}/${name}`;
      const hash = sha256(data);
      const there = await objects.info(key);
      // The same attempt may have run twice, and its first report may point to what is there: that is not overwritten.
      const free = there === null || there.sha256 === hash ? key : `${key}.${hash.slice(0, 12)}`;
      if (there?.sha256 !== hash) await objects.put(free, data);
      return { ref: `${bucket}${free}`, size: data.length, sha256: hash };
    },
  };
};

/** Exactly as the loop writes them, so that a JSON Schema's own `$ref` is left alone. */
const isReference = (value: object, bucket: string): value is { $ref: string; size: number; sha256: string } => {
  const { $ref, size, sha256: hash } = value as Record<string, Json>;
  return (
    typeof $ref === 'string' &&
    $ref.startsWith(bucket) &&
    typeof size === 'number' &&
    typeof hash === 'string' &&
    Object.keys(value).length === 3
  );
};
