// Large values by name: a NATS object store, so that `nats object get` reads it too.
import { createHash } from 'node:crypto';
import { jetstream } from '@nats-io/jetstream';
import { Objm, type ObjectInfo, type ObjectStore } from '@nats-io/obj';
import { limits } from '@capstan/contracts';
import { BusError } from '../error.ts';
import type { Objects } from '../port.ts';
import type { Line } from './line.ts';
import { Reader } from './reader.ts';

export const natsObjects = (line: Line, bucket: string): Objects => {
  let opened: Promise<ObjectStore> | null = null;
  /** Its writes and reads are many messages; all of it can be done again, so what failed on the way is. */
  const tried = async <T>(act: (store: ObjectStore) => Promise<T>): Promise<T> => {
    const deadline = Date.now() + limits.publishTimeoutMs;
    for (;;) {
      try {
        opened ??= new Objm(jetstream(line.connection)).open(bucket);
        return await act(await opened);
      } catch (error) {
        opened = null;
        const { message } = error as Error;
        if (/maximum bytes|insufficient/.test(message))
          throw new BusError('full', `The objects ${bucket}: ${message}`, { cause: error });
        if (/digest|corrupt|size mismatch/i.test(message))
          throw new BusError('corrupt', `The objects ${bucket}: ${message}`, { cause: error });
        if (Date.now() > deadline || line.connection.isClosed())
          throw new BusError('unavailable', `The objects ${bucket}: ${message}`, { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  };
  return {
    put: (name, data) =>
      tried(async (store) => {
        const info = await store.putBlob({ name }, data);
        return { size: info.size, sha256: hexOf(info.digest) };
      }),
    get: (name) => tried((store) => read(line, store, bucket, name)),
    info: (name) =>
      tried(async (store) => {
        const info = await store.info(name);
        return info && !info.deleted ? { size: info.size, sha256: hexOf(info.digest) } : null;
      }),
    remove: (name) =>
      tried(async (store) => {
        const info = await store.info(name);
        if (info && !info.deleted) await store.delete(name);
      }),
  };
};

/**
 * The client's own reading waits for ever where an object is put anew meanwhile: the chunks that it was told of are gone (nats.js 3.4.0). What
 * was looked up and is gone is looked up again.
 */
const read = async (line: Line, store: ObjectStore, bucket: string, name: string): Promise<Uint8Array | null> => {
  for (let before: string | null = null; ; ) {
    const info = await store.info(name);
    if (!info || info.deleted) return null;
    const isStill = async () => (await store.info(name))?.nuid === info.nuid;
    const data = await chunksOf(line, bucket, info, isStill);
    const digest = `SHA-256=${createHash('sha256').update(data).digest('base64url')}`;
    if (unpadded(digest) === unpadded(info.digest)) return data;
    if (before === info.nuid)
      throw new BusError('corrupt', `The objects ${bucket}: ${name} has not the digest that it was put with.`);
    before = info.nuid;
  }
};

const unpadded = (digest: string): string => digest.replace(/=+$/, '');

/** As many as there are, at most as many as there should be; waits for the rest while it is still the same object. */
const chunksOf = async (
  line: Line,
  bucket: string,
  { nuid, chunks }: ObjectInfo,
  isStill: () => Promise<boolean>,
): Promise<Buffer> => {
  const found: Uint8Array[] = [];
  if (chunks === 0) return Buffer.concat(found);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const reading = await new Reader(line, {
    stream: `OBJ_${bucket}`,
    filters: [`$O.${bucket}.C.${nuid}`],
    after: 0,
    batch: chunksAtOnce,
    on: ({ data }) => {
      if (found.push(data) === chunks) resolve();
    },
    onIdle: resolve,
  }).start();
  // Where they go after the server has counted them, and before it hands them out, nothing is said any more.
  const looking = setInterval(() => void isStill().then((is) => is || resolve(), reject), lookAgainMs);
  try {
    await promise;
  } finally {
    clearInterval(looking);
    await reading.stop();
  }
  return Buffer.concat(found);
};

const lookAgainMs = 1_000;
/** Each has 128 KiB; the server cuts off whoever lets too much wait. */
const chunksAtOnce = 64;

/** From `SHA-256=<base64url>`. */
const hexOf = (digest: string): string =>
  Buffer.from(digest.slice(digest.indexOf('=') + 1), 'base64url').toString('hex');
