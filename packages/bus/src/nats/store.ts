// A bucket as the bus offers it. It is a plain KV bucket to every NATS client; writing it by hand allows a batch with a revision for each key,
// which KV clients can't say.
import type { Change, Entry, Message, Running, Store } from '../port.ts';
import { BusError } from '../error.ts';
import { look } from './api.ts';
import type { Line } from './line.ts';
import type { Following, Publisher } from './publisher.ts';
import { Reader } from './reader.ts';
import { nothing, type StoredJson, storedMessage } from './wire.ts';

export const natsStore = (line: Line, publisher: Publisher, bucket: string): Store => {
  const stream = `KV_${bucket}`;
  const prefix = `$KV.${bucket}.`;

  const get = async (key: string): Promise<Entry | null> => {
    const found = await look<{ message: StoredJson }>(line.asker, `STREAM.MSG.GET.${stream}`, {
      last_by_subj: prefix + checked(key),
    });
    return found && entryOf(storedMessage(found.message), key);
  };
  const following = ({ key, data, expect, gone }: Change): Following =>
    gone
      ? { subject: prefix + checked(key), data: '', expect, lines: removed }
      : { subject: prefix + checked(key), data, expect };

  /** A refusal after a lost answer may be about our own write: it counts as done where the bucket holds what we said. */
  const ours = async (change: Change): Promise<number | null> => {
    const entry = await get(change.key);
    if (change.gone) return !entry || entry.gone ? (entry?.revision ?? change.expect ?? 0) : null;
    if (!entry || entry.gone || !sameBytes(entry.data, change.data)) return null;
    return change.expect === null || entry.revision > change.expect ? entry.revision : null;
  };

  const set = async (change: Change): Promise<number> => {
    const outcome = await publisher.follow(following(change));
    if (!outcome.taken) return outcome.seq;
    if (outcome.tries > 1) {
      const revision = await ours(change);
      if (revision !== null) return revision;
    }
    if (change.expect === 0 && change.neverThere !== true) {
      // A key that was removed leaves a mark: it counts as new.
      const entry = await get(change.key);
      if (entry?.gone) return set({ ...change, expect: entry.revision });
    }
    throw new BusError('conflict', `The key ${change.key} of ${bucket} has another revision than ${change.expect}.`);
  };

  const setAll = async (changes: readonly Change[]): Promise<number[]> => {
    if (changes.length > 1_000) throw new RangeError('At most 1,000 changes go together.');
    if (changes.length === 0) return [];
    if (changes.length === 1) return [await set(changes[0] as Change)];
    const outcome = await publisher.followAll(changes.map(following));
    if (!outcome.taken) return changes.map((_, at) => outcome.seq - changes.length + 1 + at);
    if (outcome.tries > 1) {
      const revisions = await Promise.all(changes.map(ours));
      if (!revisions.includes(null)) return revisions as number[];
    }
    throw new BusError(
      'conflict',
      `Of ${changes.length} keys of ${bucket}, one has another revision; none was written.`,
    );
  };

  /** The newest of each key, then `onIdle`, then what comes. */
  const follow = (
    filter: string,
    on: (entry: Entry) => void,
    onIdle?: () => void,
    headersOnly = false,
  ): Promise<Running> =>
    new Reader(line, {
      stream,
      filters: [prefix + filter],
      after: 'latest',
      headersOnly,
      on: (message) => on(entryOf(message, message.subject.slice(prefix.length))),
      onIdle,
    }).start();

  return {
    get,
    set,
    setAll,
    async remove(key) {
      await publisher.follow(following({ key, data: '', expect: null, gone: true }));
    },
    keys: (filter = '>') =>
      new Promise((resolve, reject) => {
        const found = new Set<string>();
        const on = ({ key, gone }: Entry): void => void (gone ? found.delete(key) : found.add(key));
        const running = follow(
          filter,
          on,
          () => {
            resolve([...found]);
            void running.then((reader) => reader.stop());
          },
          true,
        );
        running.catch(reject);
      }),
    async watch(on, onReady) {
      let ready = false;
      return follow('>', on, () => {
        if (ready) return;
        ready = true;
        onReady?.();
      });
    },
  };
};

const entryOf = (message: Message, key: string): Entry => {
  const operation = message.header('KV-Operation');
  // The server itself marks a key whose time is over.
  const gone = operation === 'DEL' || operation === 'PURGE' || message.header('Nats-Marker-Reason') !== undefined;
  return { key, data: gone ? nothing : message.data, revision: message.seq, at: message.at, gone };
};

/** The mark tells whoever watches; it goes by itself. */
const removed = 'KV-Operation: DEL\r\nNats-TTL: 1h\r\n';

const sameBytes = (stored: Uint8Array, said: Uint8Array | string): boolean =>
  Buffer.from(said as string).equals(stored);

/** As KV clients have it. A key from outside is checked before it comes here; this is the last guard before it becomes a subject. */
const checked = (key: string): string => {
  if (!/^[-/_=.a-zA-Z0-9]{1,512}$/.test(key) || key.startsWith('.') || key.endsWith('.') || key.includes('..'))
    throw new TypeError(`"${key.slice(0, 64)}" can't be a key.`);
  return key;
};
