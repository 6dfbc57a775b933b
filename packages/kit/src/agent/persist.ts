// Tries something durable until the server has taken it. What is done must not be lost because NATS is away for a while.
import { isBusError } from '@capstan/bus';
import type { Logger } from '../log.ts';
import { pause } from '../pause.ts';

const firstWaitMs = 250;
const longestWaitMs = 10_000;

/** Null where `signal` ended it first. Throws what waiting can't cure. */
export const persist = async <T>(
  what: string,
  act: () => T | Promise<T>,
  log: () => Logger,
  signal: AbortSignal,
): Promise<T | null> => {
  for (let wait = firstWaitMs; !signal.aborted; wait = Math.min(wait * 2, longestWaitMs)) {
    try {
      return await act();
    } catch (error) {
      if (!isBusError(error, 'unavailable') && !isBusError(error, 'full')) throw error;
      log().warn({ error: error.message, waitMs: wait }, `${what} could not be stored yet; trying again.`);
      await pause(wait, signal);
    }
  }
  return null;
};
