// How far this machine's clock is from the server's. Deadlines in orders are the server's time, and a machine may be an hour off.
import type { Store } from '@capstan/bus';

export interface ServerClock {
  /** Milliseconds since 1970, as the server has it. */
  now(): number;
  /** Compares with the time at which the server stored a key that was written just now, between two local times. */
  compare(store: Pick<Store, 'get'>, key: string, before: number, after: number): Promise<void>;
}

/** Within this, the difference may as well be the way there and back. */
const noiseMs = 250;

export const newServerClock = (): ServerClock => {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    compare: async (store, key, before, after) => {
      const entry = await store.get(key);
      if (!entry || after - before > 2_000) return;
      const measured = entry.at - (before + after) / 2;
      offset = Math.abs(measured) <= noiseMs ? 0 : measured;
    },
  };
};
