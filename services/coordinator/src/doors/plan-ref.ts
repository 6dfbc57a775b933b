// References to the object store: `capstan_artifacts/<key>`.
import type { Names } from '@capstan/contracts';

/** The key within the artifact store, or null for a reference to somewhere else. */
export const objectKey = (names: Names, ref: string): string | null => {
  const prefix = `${names.buckets.artifacts}/`;
  return ref.startsWith(prefix) && ref.length > prefix.length ? ref.slice(prefix.length) : null;
};

export const objectRef = (names: Names, key: string): string => `${names.buckets.artifacts}/${key}`;
