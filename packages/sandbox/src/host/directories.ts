// A directory for each task. Where a place for them is configured, every process on this machine shares them, so that a later step, or a
// check, finds what an earlier one has left; otherwise each process has its own, and takes them away when it ends.
import { mkdir, mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Directories {
  /** The directory of a task, made where it isn't there; `release` says that a step is through with it. */
  use(task: string): Promise<{ readonly path: string; release(): void }>;
  end(): Promise<void>;
}

/** After this long without a step, a task is unlikely to need its directory again. */
const keepMs = 24 * 3_600_000;
const lookEveryMs = 3_600_000;

export const newDirectories = (service: string, shared?: string): Directories => {
  const made =
    shared === undefined ? ownRoot(service) : mkdir(shared, { recursive: true, mode: 0o700 }).then(() => shared);
  made.catch(() => {});
  const used = new Map<string, number>();
  const touch = (path: string): void => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  };
  // What others use has been touched not long ago, so it is let be.
  const looking = setInterval(() => {
    void made.then(async (root) => {
      for (const task of used.keys()) touch(join(root, task));
      await removeUnused(root, used);
    });
  }, lookEveryMs).unref();
  return {
    use: async (task) => {
      const path = join(await made, task);
      used.set(task, (used.get(task) ?? 0) + 1);
      await mkdir(path, { recursive: true, mode: 0o700 });
      touch(path);
      return {
        path,
        release: () => {
          const left = (used.get(task) ?? 1) - 1;
          if (left > 0) used.set(task, left);
          else used.delete(task);
          touch(path);
        },
      };
    },
    end: async () => {
      clearInterval(looking);
      if (shared === undefined) await rm(await made, { recursive: true, force: true });
    },
  };
};

const removeUnused = async (root: string, used: ReadonlyMap<string, number>): Promise<void> => {
  for (const task of await readdir(root)) {
    const path = join(root, task);
    const at = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    );
    if (!used.has(task) && Date.now() - at > keepMs) await rm(path, { recursive: true, force: true });
  }
};

const ownRoot = async (service: string): Promise<string> => {
  await removeLeftovers(service);
  return mkdtemp(join(tmpdir(), `capstan-${service}-${process.pid}-`));
};

/** What a killed process of this kind could not remove: folders for temporary files whose names begin with `capstan-<kind>-<its process>-`. */
export const removeLeftovers = async (service: string): Promise<void> => {
  const pattern = new RegExp(`^capstan-${service}-(\\d+)-`);
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const pid = Number(pattern.exec(name)?.[1]);
    if (pid && !isAlive(pid)) await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
