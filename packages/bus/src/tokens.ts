// Tokens: the last part of an event's subject, which proves that whoever says the event was told where to say it. An HMAC over the
// subject before it, under a key whose id was fixed when the task was submitted.
import { Recent } from './recent.ts';
import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decodeAny } from './decode.ts';
import { BusError, isBusError } from './error.ts';
import type { Bus, Running } from './port.ts';

export interface KeyRing extends Running {
  /** The id of the key for tasks that are submitted now. */
  readonly current: string;
  /** An id may be unknown for a moment after another process added it: `refresh` before giving up. */
  knows(keyId: string): boolean;
  /** 22 letters for a subject without its token. Throws for an unknown key. */
  sign(keyId: string, subject: string): string;
  /** In constant time; false for an unknown key. */
  check(keyId: string, subject: string, token: string): boolean;
  refresh(): Promise<void>;
}

/** As a file or the bucket holds it. */
export interface Keys {
  readonly current: string;
  /** 32 bytes each, as base64. */
  readonly keys: Readonly<Record<string, string>>;
}

/** The keys of an installation: from a file where one is named, else from the bucket, made by whoever comes first. */
export const openKeyRing = async (bus: Bus, options: { file?: string | undefined } = {}): Promise<KeyRing> => {
  const { file } = options;
  if (file) return new Ring(await fromFile(file), () => fromFile(file));
  const store = bus.store(bus.names.buckets.keys);
  const where = `the bucket ${bus.names.buckets.keys}`;
  const load = async (): Promise<Keys> => {
    const entry = await store.get(ringKey);
    if (entry && !entry.gone) return parseKeys(entry.data, where);
    const first = newKeys();
    try {
      await store.set({ key: ringKey, data: JSON.stringify(first), expect: entry?.revision ?? 0 });
      return first;
    } catch (error) {
      // Another process was first: its keys are the installation's.
      if (isBusError(error, 'conflict')) return load();
      throw error;
    }
  };
  const ring = new Ring(await load(), load);
  const watching = await store.watch((entry) => {
    if (entry.key === ringKey && !entry.gone) ring.replace(parseKeys(entry.data, where));
  });
  ring.onStop = () => watching.stop();
  return ring;
};

/** The keys as they are, for whoever only looks; null where they are not to be read from here. Makes none. */
export const readKeyRing = async (bus: Bus, options: { file?: string | undefined } = {}): Promise<KeyRing | null> => {
  if (options.file) return keyRingOf(await fromFile(options.file));
  try {
    const entry = await bus.store(bus.names.buckets.keys).get(ringKey);
    return entry === null || entry.gone
      ? null
      : keyRingOf(parseKeys(entry.data, `the bucket ${bus.names.buckets.keys}`));
  } catch (error) {
    if (isBusError(error, 'forbidden')) return null;
    throw error;
  }
};

/** A ring of given keys, for tests and simulation. */
export const keyRingOf = (keys: Keys): KeyRing => new Ring(keys, async () => keys);

export const newKeys = (): Keys => ({ current: 'k1', keys: { k1: randomBytes(32).toString('base64') } });

/** Adds a key. Make it current in a second step, once every process has it. */
export const withKey = (keys: Keys, id: string): Keys => ({
  ...keys,
  keys: { ...keys.keys, [id]: randomBytes(32).toString('base64') },
});

const ringKey = 'ring';
const tokenLength = 22;
const rememberedMax = 4_096;
const keyIdPattern = /^[A-Za-z0-9_-]{1,32}$/;

class Ring implements KeyRing {
  current = '';
  onStop: () => Promise<void> = async () => {};
  /** Made once: turning text into a key for each signature would cost as much as the signature. */
  #keys = new Map<string, KeyObject>();
  readonly #load: () => Promise<Keys>;
  /** What this process signed itself and has yet to hear: comparing is cheaper than signing again. */
  readonly #signed = new Recent<string>(rememberedMax);

  constructor(keys: Keys, load: () => Promise<Keys>) {
    this.#load = load;
    this.replace(keys);
  }

  replace(keys: Keys): void {
    this.#signed.clear();
    this.current = keys.current;
    this.#keys = new Map(Object.entries(keys.keys).map(([id, key]) => [id, createSecretKey(key, 'base64')]));
  }

  knows(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  sign(keyId: string, subject: string): string {
    const key = this.#keys.get(keyId);
    if (!key) throw new BusError('corrupt', `The key "${keyId}" is not on the ring.`);
    const token = tokenOf(key, subject);
    this.#signed.set(`${keyId} ${subject}`, token);
    return token;
  }

  check(keyId: string, subject: string, token: string): boolean {
    const key = this.#keys.get(keyId);
    if (key === undefined) return false;
    const name = `${keyId} ${subject}`;
    return same(this.#signed.get(name) ?? tokenOf(key, subject), token);
  }

  async refresh(): Promise<void> {
    this.replace(await this.#load());
  }

  stop(): Promise<void> {
    return this.onStop();
  }
}

const tokenOf = (key: KeyObject, subject: string): string =>
  createHmac('sha256', key).update(subject).digest('base64url').slice(0, tokenLength);

/** Looks at every letter, so that the time taken tells nothing of where they differ. */
const same = (a: string, b: string): boolean => {
  if (b.length !== tokenLength) return false;
  let differ = 0;
  for (let i = 0; i < tokenLength; i++) differ |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return differ === 0;
};

const fromFile = async (file: string): Promise<Keys> => parseKeys(await readFile(file), `the file ${file}`);

const parseKeys = (data: Uint8Array, where: string): Keys => {
  const bad = (why: string) => new BusError('corrupt', `The keys in ${where} can't be used: ${why}.`);
  const decoded = decodeAny(data);
  if (!decoded.ok) throw bad('they are not JSON');
  const { current, keys } = (decoded.value ?? {}) as { current?: unknown; keys?: unknown };
  if (typeof current !== 'string' || typeof keys !== 'object' || keys === null)
    throw bad('"current" and "keys" are needed');
  for (const [id, key] of Object.entries(keys)) {
    if (!keyIdPattern.test(id)) throw bad('a key id must be 1 to 32 letters, digits, "_" or "-"');
    if (typeof key !== 'string' || Buffer.from(key, 'base64').length < 32)
      throw bad(`key "${id}" must be at least 32 bytes, as base64`);
  }
  if (!Object.hasOwn(keys, current)) throw bad('"current" names none of "keys"');
  return { current, keys: keys as Record<string, string> };
};
