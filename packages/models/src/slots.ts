// At most so many at a time; the others wait in the order in which they came, and no longer than they want to.

export interface Slots {
  /** Resolves to what gives the slot back. Throws the signal's reason where that comes first. */
  take(signal: AbortSignal): Promise<() => void>;
}

export const newSlots = (count: number): Slots => {
  let free = count;
  const waiting: (() => void)[] = [];
  const giveBack = (): void => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  return {
    take: async (signal) => {
      signal.throwIfAborted();
      if (free > 0) free--;
      else {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const leave = (): void => {
          const at = waiting.indexOf(resolve);
          if (at >= 0) waiting.splice(at, 1);
          reject(signal.reason as Error);
        };
        waiting.push(resolve);
        signal.addEventListener('abort', leave, { once: true });
        await promise.finally(() => signal.removeEventListener('abort', leave));
      }
      let given = false;
      return () => {
        if (!given) giveBack();
        given = true;
      };
    },
  };
};
