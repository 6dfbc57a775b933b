// Hears what Capstan cancels, for all attempts of this process: also for those whose order has yet to arrive.
import { type Bus, decode, PassingMap, type Running } from '@capstan/bus';
import { type Cancel, cancel, timeMs } from '@capstan/contracts';

export interface Cancels {
  /** Whether this attempt was cancelled before its order came. */
  past(key: string): boolean;
  /** Calls back for an attempt that is cancelled from now on. Returns how to forget it. */
  watch(key: string, on: (cancel: Cancel) => void): () => void;
  stop(): Promise<void>;
}

/** Cancels for orders that may still come; the oldest is forgotten first, and the engine drops what such work reports. */
const rememberedMax = 10_000;

export const listenForCancels = (bus: Bus): Cancels => {
  const watched = new PassingMap<string, (cancel: Cancel) => void>();
  const remembered = new Map<string, Cancel>();
  const prefix = bus.names.cancels.slice(0, -1);
  const listening: Running = bus.listen(bus.names.cancels, (wire) => {
    const decoded = decode(wire.data);
    const parsed = decoded.ok ? cancel.safeParse(decoded.value) : null;
    if (!parsed?.success) return;
    const key = `${wire.subject.slice(prefix.length)}.${parsed.data.attempt}`;
    const on = watched.get(key);
    if (on) return on(parsed.data);
    remembered.set(key, parsed.data);
    if (remembered.size > rememberedMax) remembered.delete(remembered.keys().next().value as string);
  });
  return {
    past: (key) => remembered.has(key),
    watch: (key, on) => {
      watched.set(key, on);
      return () => void watched.delete(key);
    },
    stop: () => listening.stop(),
  };
};

/** How long the work has to clean up, so that its report still arrives in time. */
export const patienceOf = (cancelled: Cancel, now: number): number => {
  const left = timeMs(cancelled.force_at) - now;
  return Math.max(0, Math.min(left * 0.8, left - 500, 60_000));
};
