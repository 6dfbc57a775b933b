// What was last said under a name, for as long as it is recent: in two halves, of which the older goes when the younger is full. Forgetting one
// by one would cost more, and what is forgotten late does no harm.

export class Recent<Value> {
  readonly #most: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  /** At least so many are remembered, and at most twice as many. */
  constructor(most: number) {
    this.#most = most;
  }

  get(name: string): Value | undefined {
    return this.#young.get(name) ?? this.#old.get(name);
  }

  set(name: string, value: Value): void {
    if (this.#young.size >= this.#most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, value);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
  }
}
