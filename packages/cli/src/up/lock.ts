// One supervisor for a data directory. The lock is a file that names its process, so that one left behind by a kill is
// told from one that is held.
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mistake } from '../exit.ts';
import { identityOf, isSame, type Written } from './identity.ts';

export interface Lock {
  /** Whether a supervisor that was killed had left it. */
  readonly tookOver: boolean;
  /** Adds where NATS is, for whoever finds it held. */
  note(url: string): void;
  release(): void;
}

interface Content extends Written {
  readonly url?: string;
}

export const takeLock = async (data: string): Promise<Lock> => {
  const path = join(data, 'supervisor.json');
  const own: Content = { pid: process.pid, identity: identityOf(process.pid) ?? '' };
  const tookOver = await alone(`${path}.taking`, () => {
    const held = read(path);
    if (held && isSame(held)) {
      const where = held.url ? `, with NATS on ${held.url}` : '';
      throw mistake(
        `Capstan runs already on ${data} (process ${held.pid}${where}).`,
        'Stop that one with Ctrl-C, or give this one another --data and --port.',
      );
    }
    writeFileSync(path, JSON.stringify(own));
    return held !== null;
  });
  return {
    tookOver,
    note: (url) => writeFileSync(path, JSON.stringify({ ...own, url })),
    release: () => rmSync(path, { force: true }),
  };
};

const read = (path: string): Content | null => {
  try {
    const { pid, identity, url } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Content>;
    return typeof pid === 'number' && typeof identity === 'string'
      ? { pid, identity, ...(url !== undefined && { url }) }
      : null;
  } catch {
    // Absent, or half written by one that was killed just then.
    return null;
  }
};

/** Judging a lock and taking it is one act: of two that find it stale, the second must see the first. */
const alone = async <T>(path: string, act: () => T): Promise<T> => {
  for (const deadline = Date.now() + 2 * staleMs; ; ) {
    try {
      closeSync(openSync(path, 'wx'));
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || Date.now() > deadline) throw error;
      // It is held for less than a millisecond, unless its holder was killed in that.
      if (ageOf(path) > staleMs) rmSync(path, { force: true });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  try {
    return act();
  } finally {
    rmSync(path, { force: true });
  }
};

const staleMs = 2_000;

const ageOf = (path: string): number => {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
};
