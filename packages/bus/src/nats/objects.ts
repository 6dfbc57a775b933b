// Large values by name: a NATS object store, so that `nats object get` reads it too.
import { jetstream } from '@nats-io/jetstream';
import { Objm, type ObjectStore } from '@nats-io/obj';
import { limits } from '@capstan/contracts';
import { BusError } from '../error.ts';
import type { Objects } from '../port.ts';
import type { Line } from './line.ts';

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
    get: (name) => tried((store) => store.getBlob(name)),
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

/** From `SHA-256=<base64url>`. */
const hexOf = (digest: string): string =>
  Buffer.from(digest.slice(digest.indexOf('=') + 1), 'base64url').toString('hex');
