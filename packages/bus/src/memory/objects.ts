// Large values by name.
import { sha256 } from '../canonical.ts';
import type { Objects } from '../port.ts';
import { bytesOf, type Way } from './way.ts';

export const memoryObjects = (way: Way, bucket: string): Objects => {
  const { objects } = way.broker;
  if (!objects.has(bucket)) objects.set(bucket, new Map());
  const held = objects.get(bucket) as Map<string, Uint8Array>;
  const about = (data: Uint8Array) => ({ size: data.length, sha256: sha256(data) });
  return {
    put: (name, data) => {
      const copy = bytesOf(data);
      return way.ask(`put ${name}`, () => {
        held.set(name, copy);
        return about(copy);
      });
    },
    get: (name) => way.ask(`get ${name}`, () => held.get(name) ?? null),
    info: (name) =>
      way.ask(`info ${name}`, () => {
        const data = held.get(name);
        return data ? about(data) : null;
      }),
    remove: (name) => way.ask(`remove ${name}`, () => void held.delete(name)),
  };
};
