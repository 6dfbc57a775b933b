// What was answered to the very same question is kept for a while, in a bucket that every process shares.
import { createHash } from 'node:crypto';
import type { House } from '@capstan/kit';

export interface Kept {
  readonly text: string;
  readonly reason: 'stop' | 'length' | 'refusal';
}

export interface Answers {
  get(key: string): Promise<Kept | null>;
  put(key: string, kept: Kept): Promise<void>;
}

export const keyOf = (question: unknown): string =>
  createHash('sha256').update(JSON.stringify(question)).digest('hex').slice(0, 32);

const bytesMax = 512 * 1_024;

/** Without its bucket everything still works, and costs more. */
export const newAnswers = ({ bus }: Pick<House, 'bus'>): Answers => {
  const store = bus.store(bus.names.buckets.answers);
  return {
    get: async (key) => {
      const entry = await store.get(key).catch(() => null);
      return entry && !entry.gone ? (JSON.parse(Buffer.from(entry.data).toString()) as Kept) : null;
    },
    put: async (key, kept) => {
      const data = JSON.stringify(kept);
      if (Buffer.byteLength(data) <= bytesMax) await store.set({ key, data, expect: null }).catch(() => {});
    },
  };
};
