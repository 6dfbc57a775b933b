// What a tool of an MCP server looked like when it was first seen: description and schemas, kept in the bucket of tools for good.
// A server that changes them later may be another one by now, or may have been told to talk a model into something.
import { createHash } from 'node:crypto';
import type { House } from '@capstan/kit';

export interface Definition {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
}

export interface Pin extends Definition {
  readonly sha256: string;
  readonly at: string;
}

export interface Pins {
  /** The pin that counts: the one that is there, or this definition where there was none. */
  pin(server: string, definition: Definition): Promise<Pin>;
  /** Those of a server, for when it can't be asked. */
  of(server: string): Promise<Pin[]>;
  /** The key of a pin, for people. */
  key(server: string, tool: string): string;
}

export const newPins = ({ bus }: Pick<House, 'bus'>): Pins => {
  const store = bus.store(bus.names.buckets.tools);
  // No queue's name begins so, so no tool's description has such a key.
  const key = (server: string, tool: string): string => `_pins.${server}.${tool}`;
  const read = (data: Uint8Array): Pin => JSON.parse(Buffer.from(data).toString()) as Pin;
  return {
    key,
    pin: async (server, definition) => {
      const at = key(server, definition.name);
      for (;;) {
        const there = await store.get(at);
        if (there && !there.gone) return read(there.data);
        const pin: Pin = { ...definition, sha256: hashOf(definition), at: new Date().toISOString() };
        try {
          await store.set({ key: at, data: JSON.stringify(pin), expect: there?.revision ?? 0 });
          return pin;
        } catch (error) {
          // Another executor saw it first, and what it saw counts.
          if ((error as { code?: string }).code !== 'conflict') throw error;
        }
      }
    },
    of: async (server) => {
      const found: Pin[] = [];
      for (const each of await store.keys(`_pins.${server}.>`)) {
        const entry = await store.get(each);
        if (entry && !entry.gone) found.push(read(entry.data));
      }
      return found;
    },
  };
};

export const hashOf = ({ description, inputSchema, outputSchema }: Definition): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted([description, inputSchema, outputSchema ?? null])))
    .digest('hex');

/** The order of keys means nothing in JSON. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
};

/** Which parts differ, in words. */
export const difference = (pin: Pin, now: Definition): string =>
  (['description', 'inputSchema', 'outputSchema'] as const)
    .filter((part) => JSON.stringify(sorted(pin[part] ?? null)) !== JSON.stringify(sorted(now[part] ?? null)))
    .join(' and ');
