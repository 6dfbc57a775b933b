// A bucket of the broker, as nats/store.ts has one of a server.
import { BusError } from '../error.ts';
import { nothing } from '../nats/wire.ts';
import type { Change, Entry, Message, Running, Store } from '../port.ts';
import { MemoryReader } from './reader.ts';
import type { MemoryStream } from './stream.ts';
import { bytesOf, type Way } from './way.ts';

export const memoryStore = (way: Way, bucket: string, kept: <T extends Running>(one: T) => T): Store => {
  const { broker } = way;
  const prefix = `$KV.${bucket}.`;
  const stream = (): MemoryStream => {
    const found = broker.streams.get(`KV_${bucket}`);
    if (!found) throw new BusError('unavailable', `There is no bucket ${bucket}.`);
    return found;
  };
  const entryAt = (key: string): Entry | null => {
    const message = stream().newest(prefix + checked(key));
    return message ? entryOf(message, key) : null;
  };

  const setAll = (changes: readonly Change[]): Promise<number[]> => {
    if (changes.length > 1_000) throw new RangeError('At most 1,000 changes go together.');
    const all = changes.map((change) => ({ ...change, key: checked(change.key), bytes: bytesOf(change.data) }));
    if (all.some(({ bytes }) => bytes.length > broker.maxPayload))
      return Promise.reject(new BusError('too_large', `A value for ${bucket} is larger than the server takes.`));
    if (all.length === 0) return Promise.resolve([]);
    return way.ask(`set ${all.map(({ key }) => key).join(' ')}`, (tries) => {
      const writings = all.map(({ key, bytes, expect, gone, neverThere }) => {
        const entry = expect === 0 && neverThere !== true && all.length === 1 ? entryAt(key) : null;
        // A key that was removed leaves a mark: it counts as new.
        return {
          subject: prefix + key,
          data: gone ? nothing : bytes,
          headers: gone ? removed : [],
          expect: entry?.gone ? entry.revision : expect,
        };
      });
      const revisions = stream().write(writings);
      if (revisions) return revisions;
      const ours = all.map(({ key, bytes, expect, gone }) => {
        const entry = entryAt(key);
        if (gone) return !entry || entry.gone ? (entry?.revision ?? expect ?? 0) : null;
        return entry && !entry.gone && Buffer.compare(entry.data, bytes) === 0 && entry.revision > (expect ?? 0)
          ? entry.revision
          : null;
      });
      // A refusal after a lost answer may be about our own write.
      if (tries > 1 && !ours.includes(null)) return ours as number[];
      throw new BusError('conflict', `Of ${all.length} keys of ${bucket}, one has another revision; none was written.`);
    });
  };

  return {
    get: (key) => way.ask(`get ${checked(key)}`, () => entryAt(key)),
    set: async (change) => (await setAll([change]))[0] as number,
    setAll,
    async remove(key) {
      await way.ask(`remove ${checked(key)}`, () =>
        stream().write([
          {
            subject: prefix + key,
            data: nothing,
            headers: removed,
            expect: null,
          },
        ]),
      );
    },
    keys: (filter = '>') =>
      way.ask(`keys ${filter}`, () =>
        [...stream().all([prefix + filter])]
          .map((message) => entryOf(message, message.subject.slice(prefix.length)))
          .flatMap(({ key, gone }) => (gone ? [] : [key])),
      ),
    async watch(on, onReady) {
      let ready = false;
      const onIdle = (): void => {
        if (ready) return;
        ready = true;
        onReady?.();
      };
      const onMessage = (message: Message): void => on(entryOf(message, message.subject.slice(prefix.length)));
      const reading = {
        filters: [`${prefix}>`],
        after: 'latest' as const,
        on: onMessage,
        onIdle,
        alive: () => way.alive,
      };
      const reader = await way.ask(`watch ${bucket}`, () => new MemoryReader(broker, stream(), reading));
      return kept(reader.begin());
    },
  };
};

const removed: [string, string][] = [
  ['KV-Operation', 'DEL'],
  ['Nats-TTL', '1h'],
];

const entryOf = (message: Message, key: string): Entry => {
  const gone = message.header('KV-Operation') !== undefined || message.header('Nats-Marker-Reason') !== undefined;
  return { key, data: gone ? nothing : message.data, revision: message.seq, at: message.at, gone };
};

const checked = (key: string): string => {
  if (!/^[-/_=.a-zA-Z0-9]{1,512}$/.test(key) || key.startsWith('.') || key.endsWith('.') || key.includes('..'))
    throw new TypeError(`"${key.slice(0, 64)}" can't be a key.`);
  return key;
};
