// Which tasks' files are in use here, and when a volume may go: at once when its task has succeeded or was cancelled, and otherwise when
// nobody has used it for long. What a failed task has left is wanted: a step of it may be tried again, or somebody looks into it.
import type { Logger } from '@capstan/kit';
import type { Engine } from './engine.ts';
import type { Owner } from './labels.ts';
import { newVolumeMaker, removeVolume, volumeOf, volumesOf } from './volumes.ts';

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
  /** A task has files here: one of this process, or of one before it. */
  readonly onThere?: (task: string) => void;
  readonly onGone?: (task: string) => void;
}

const sweepEveryMs = 3_600_000;

export const newTaskVolumes = (parts: TaskVolumesParts): TaskVolumes => {
  const { engine, owner, keepMs, mostMb, log, make, onThere, onGone } = parts;
  const used = new Map<string, { users: number; lastMs: number; made: Promise<void> }>();
  /** What was there before this process. Of all other tasks that end, most had no files, and the engine need not be asked. */
  let before: Promise<Set<string>> | null = null;
  let sweptMs = 0;
  const makeVolume = newVolumeMaker(engine, owner, mostMb);
  const ensure = async (task: string): Promise<void> => {
    await makeVolume(task);
    await make(volumeOf(owner.scope, task));
  };
  return {
    use: async (task) => {
      const entry = used.get(task) ?? { users: 0, lastMs: 0, made: ensure(task) };
      used.set(task, entry);
      entry.users++;
      try {
        await entry.made;
      } catch (error) {
        used.delete(task);
        throw error;
      }
      onThere?.(task);
      let released = false;
      return () => {
        if (released) return;
        released = true;
        entry.users--;
        entry.lastMs = Date.now();
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
      if (Date.now() - sweptMs < sweepEveryMs) return;
      sweptMs = Date.now();
      const oldest = sweptMs - keepMs;
      for (const { task, createdMs } of await volumesOf(engine, owner.scope)) {
        const here = used.get(task);
        if (createdMs > oldest || (here && (here.users > 0 || here.lastMs > oldest))) {
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
