// Which tasks' files are in use here, and when a volume may go: at once when its task has succeeded or was cancelled, and otherwise when
// nobody has used it for long. What a failed task has left is wanted: a step of it may be tried again, or somebody looks into it.
import type { Logger } from '@capstan/kit';
import type { Engine } from './engine.ts';
import type { Owner } from './labels.ts';
import { markUsed, newVolumeMaker, removeVolume, volumeOf, volumesOf } from './volumes.ts';

export interface TaskVolumes {
  /** Resolves to what says that a step is through with it. */
  use(task: string): Promise<() => void>;
  /** The task has ended, and nobody will look at its files again. */
  forget(task: string): Promise<void>;
  sweep(): Promise<void>;
}

export interface TaskVolumesParts {
  readonly engine: Engine;
  readonly owner: Owner;
  readonly keepMs: number;
  /** Of all that a task may have, where the engine can hold it to that. */
  readonly mostMb: number;
  readonly log: Logger;
  readonly make: (volume: string) => Promise<void>;
  /** Whether a task has not ended, or nobody can say just now; its files are not looked at by their age. */
  readonly isOpen?: ((task: string) => Promise<boolean>) | undefined;
  /** A task has files here: one of this process, or of one before it. */
  readonly onThere?: (task: string) => void;
  readonly onGone?: (task: string) => void;
}

const sweepEveryMs = 3_600_000;
/** How exactly everybody knows when files were last used: they are kept for so much longer. */
const markEveryMs = (keepMs: number): number => keepMs / 24;

interface Used {
  users: number;
  lastMs: number;
  /** When others were last told that it is used. */
  markedMs: number;
  readonly made: Promise<void>;
}

export const newTaskVolumes = (parts: TaskVolumesParts): TaskVolumes => {
  const { engine, owner, keepMs, mostMb, log, make, isOpen, onThere, onGone } = parts;
  const used = new Map<string, Used>();
  /** What was there before this process. Of all other tasks that end, most had no files, and the engine need not be asked. */
  let before: Promise<Set<string>> | null = null;
  let sweptMs = 0;
  const makeVolume = newVolumeMaker(engine, owner, mostMb);
  const ensure = async (task: string): Promise<void> => {
    const isNew = await makeVolume(task);
    await make(volumeOf(owner.scope, task));
    const entry = used.get(task);
    if (isNew && entry) entry.markedMs = Date.now();
  };
  /** Where it can't be told, the next one to use it tells. */
  const mark = async (task: string, entry: Used): Promise<void> => {
    const now = Date.now();
    if (now - entry.markedMs < markEveryMs(keepMs)) return;
    const before = entry.markedMs;
    entry.markedMs = now;
    try {
      await markUsed(engine, owner, task, now);
    } catch (error) {
      entry.markedMs = before;
      log.debug({ error, task }, 'Others could not be told that the files of a task are used.');
    }
  };
  return {
    use: async (task) => {
      const entry = used.get(task) ?? { users: 0, lastMs: 0, markedMs: 0, made: ensure(task) };
      used.set(task, entry);
      entry.users++;
      try {
        await entry.made;
      } catch (error) {
        used.delete(task);
        throw error;
      }
      await mark(task, entry);
      onThere?.(task);
      let released = false;
      return () => {
        if (released) return;
        released = true;
        entry.users--;
        entry.lastMs = Date.now();
        if (used.get(task) === entry) void mark(task, entry);
      };
    },
    forget: async (task) => {
      if ((used.get(task)?.users ?? 0) > 0) return;
      before ??= volumesOf(engine, owner.scope).then((found) => new Set(found.map((one) => one.task)));
      const early = await before.catch((error: unknown) => {
        before = null;
        throw error;
      });
      const [isOurs, wasThere] = [used.delete(task), early.delete(task)];
      if (!isOurs && !wasThere) return;
      onGone?.(task);
      await removeVolume(engine, owner.scope, task);
    },
    sweep: async () => {
      for (const [task, entry] of used) if (entry.users > 0) await mark(task, entry);
      if (Date.now() - sweptMs < sweepEveryMs) return;
      sweptMs = Date.now();
      const oldest = sweptMs - keepMs - markEveryMs(keepMs);
      for (const { task, usedMs } of await volumesOf(engine, owner.scope)) {
        const here = used.get(task);
        if (usedMs > oldest || (here && (here.users > 0 || here.lastMs > oldest)) || (await isOpen?.(task))) {
          onThere?.(task);
          continue;
        }
        used.delete(task);
        onGone?.(task);
        log.info({ task }, 'Removing the files of a task that nobody has used for long.');
        await removeVolume(engine, owner.scope, task);
      }
    },
  };
};
