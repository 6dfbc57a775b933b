// What is still to be done within one decision, first come first. Taking from the front of a large array copies all of it, so a place is
// kept instead.

export interface WorkList<T> {
  push(item: T): void;
  /** The next item; undefined when all is done. */
  take(): T | undefined;
  clear(): void;
}

class List<T> implements WorkList<T> {
  #items: T[] = [];
  #next = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  take(): T | undefined {
    if (this.#next < this.#items.length) {
      this.#next += 1;
      return this.#items[this.#next - 1];
    }
    this.clear();
    return undefined;
  }

  clear(): void {
    if (this.#items.length === 0) return;
    this.#items = [];
    this.#next = 0;
  }
}

export const workList = <T>(): WorkList<T> => new List<T>();
