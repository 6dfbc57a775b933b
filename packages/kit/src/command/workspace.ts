// A temporary directory for each task, shared by the steps of that task that this process runs; gone a while after its last use.
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Workspaces {
  /** The directory of a task, made where it isn't there; `release` says that a step is through with it. */
  use(task: string): Promise<{ readonly path: string; release(): void }>;
  /** Removes all of them. */
  end(): Promise<void>;
}

/** After this long without a step, a task is unlikely to come back to this process. */
const idleMs = 10 * 60_000;

export const newWorkspaces = (service: string): Workspaces => {
  const prefix = `capstan-${service}-${process.pid}-`;
  const root = removeLeftovers(service).then(() => mkdtemp(join(tmpdir(), prefix)));
  root.catch(() => {});
  const users = new Map<string, number>();
  const idle = new Map<string, NodeJS.Timeout>();
  return {
    use: async (task) => {
      users.set(task, (users.get(task) ?? 0) + 1);
      clearTimeout(idle.get(task));
      const path = join(await root, task);
      await mkdir(path, { recursive: true, mode: 0o700 });
      return {
        path,
        release: () => {
          const left = (users.get(task) ?? 1) - 1;
          users.set(task, left);
          if (left > 0) return;
          users.delete(task);
          const timer = setTimeout(() => {
            idle.delete(task);
            void rm(path, { recursive: true, force: true });
          }, idleMs);
          idle.set(task, timer.unref());
        },
      };
    },
    end: async () => {
      for (const timer of idle.values()) clearTimeout(timer);
      await rm(await root, { recursive: true, force: true });
    },
  };
};

/** What a killed process of this kind could not remove. */
const removeLeftovers = async (service: string): Promise<void> => {
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
