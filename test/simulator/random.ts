// Chance from a seed: the same seed draws the same, always (xoshiro128**).

export interface Random {
  /** From 0 up to but without 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** A generator of its own, so that drawing more in one place changes nothing in another. */
  fork(name: string): Random;
}

const mix = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
};

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

export const randomFrom = (seed: string): Random => {
  let [a, b, c, d] = [mix(`${seed} a`), mix(`${seed} b`), mix(`${seed} c`), mix(`${seed} d`) | 1];
  const random: Random = {
    next: () => {
      const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
      const t = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= t;
      d = rotate(d, 11);
      return (result >>> 0) / 0x1_0000_0000;
    },
    int: (low, high) => low + Math.floor(random.next() * (high - low + 1)),
    chance: (probability) => random.next() < probability,
    pick: (items) => items[Math.floor(random.next() * items.length)] as (typeof items)[number],
    fork: (name) => randomFrom(`${seed}/${name}`),
  };
  return random;
};
