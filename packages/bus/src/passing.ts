// A map and a set for what comes and goes for as long as a process lives. V8's own, once they are old, keep everything that ever passed through
// them until the next major collection: a table that was outgrown points to the one after it, and so to all it held. Measured with orders
// passing by, five hundred at a time: all of them outlived each minor collection, and half of the processor's time went into moving them.
// These two begin a new map now and then, to which no old one points.

const restedMin = 256;
/** So many entries go in for each that is moved, at least. */
const turnover = 4;

export class PassingMap<Key, Value> {
  #map = new Map<Key, Value>();
  #came = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  set(key: Key, value: Value): this {
    this.#came += 1;
    if (this.#came > restedMin && this.#came > turnover * this.#map.size) {
      this.#map = new Map(this.#map);
      this.#came = 0;
    }
    this.#map.set(key, value);
    return this;
  }

  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  /** What comes while this is walked through may be left out. */
  keys(): MapIterator<Key> {
    return this.#map.keys();
  }

  values(): MapIterator<Value> {
    return this.#map.values();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.#map[Symbol.iterator]();
  }
}

export class PassingSet<Value> {
  readonly #values = new PassingMap<Value, true>();

  get size(): number {
    return this.#values.size;
  }

  has(value: Value): boolean {
    return this.#values.has(value);
  }

  add(value: Value): this {
    this.#values.set(value, true);
    return this;
  }

  delete(value: Value): boolean {
    return this.#values.delete(value);
  }

  [Symbol.iterator](): MapIterator<Value> {
    return this.#values.keys();
  }
}
