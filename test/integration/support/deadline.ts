// Waiting for a signal, with a deadline that says what did not come. Nothing here waits for time to pass.

export const within = async <T>(ms: number, what: string | (() => string), signal: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Within ${ms} ms: ${typeof what === 'string' ? what : what()}`)), ms);
  });
  try {
    return await Promise.race([signal, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Wakes everybody who waits for something to have changed. */
export class Signal {
  #wake: () => void = () => {};
  #next: Promise<void> = this.#fresh();

  fire(): void {
    const wake = this.#wake;
    this.#next = this.#fresh();
    wake();
  }

  /** The next firing. Take it before looking, so that none is missed. */
  next(): Promise<void> {
    return this.#next;
  }

  #fresh(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

/** Looks again at each firing until there is something to see. */
export const seen = <T>(
  ms: number,
  what: string | (() => string),
  signal: Signal,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> => {
  let over = false;
  const watch = async (): Promise<T> => {
    for (;;) {
      const next = signal.next();
      const found = await look();
      if (found !== undefined || over) return found as T;
      await next;
    }
  };
  return within(ms, what, watch()).finally(() => {
    over = true;
    signal.fire();
  });
};
