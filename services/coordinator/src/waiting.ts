// Whoever waits for a partition to have come so far, or to have nothing left to do.

export interface Waiting {
  /** Resolves once everything up to a sequence has been heard and decided. */
  reached(seq: number): Promise<void>;
  /** Resolves once nothing is left to be stored. */
  quiet(): Promise<void>;
  /** Looks who need not wait any more. */
  look(): void;
}

export const newWaiting = (has: {
  readonly reached: (seq: number) => boolean;
  readonly quiet: () => boolean;
}): Waiting => {
  const reaching: { readonly seq: number; readonly resolve: () => void }[] = [];
  const quieting: (() => void)[] = [];
  return {
    reached: (seq) =>
      has.reached(seq) ? Promise.resolve() : new Promise<void>((resolve) => void reaching.push({ seq, resolve })),
    quiet: () => (has.quiet() ? Promise.resolve() : new Promise<void>((resolve) => void quieting.push(resolve))),
    look: () => {
      for (let at = reaching.length - 1; at >= 0; at -= 1) {
        const waiter = reaching[at];
        if (waiter !== undefined && has.reached(waiter.seq)) reaching.splice(at, 1)[0]?.resolve();
      }
      if (quieting.length > 0 && has.quiet()) for (const resolve of quieting.splice(0)) resolve();
    },
  };
};
