// How far a partition's events are covered by snapshots, and which of its tasks are open: what whoever takes it over reads first.
import { isBusError, partitionOf, textOf } from '@capstan/bus';
import { nextDue, taskEnded, type TaskState } from '@capstan/engine';
import type { World } from './world.ts';

export interface Checkpoint {
  readonly seq: number;
  /** The stream's time at that sequence: where the log has rolled back, the sequence alone would lie. */
  readonly at: number;
}

/** When an open task wants to be looked at, and whether it looks for a queue. */
export interface OpenTask {
  readonly due: number | null;
  readonly routing: boolean;
}

const openPages = 16;
const checkpointKey = (partition: number): string => `_checkpoint.${partition}`;
const openKey = (partition: number, page: number): string => `_open.${partition}.${page}`;

export interface Progress {
  readonly open: ReadonlyMap<string, OpenTask>;
  checkpoint: Checkpoint | null;
  /** Keeps the list of open tasks in step with a snapshot that was stored. */
  covered(task: string, state: TaskState): void;
  /** Stores the pages that changed, then the checkpoint: a task must be on the list before the events that would show it are passed over. */
  save(checkpoint: Checkpoint): Promise<void>;
}

export const loadProgress = async (world: World, partition: number): Promise<Progress> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const stored = await store.get(checkpointKey(partition));
  const pages = await Promise.all(Array.from({ length: openPages }, (_, page) => store.get(openKey(partition, page))));
  const open = new Map<string, OpenTask>();
  const texts = pages.map((entry) => (entry === null || entry.gone ? '{}' : textOf(entry.data)));
  for (const text of texts) for (const [task, [due, routing]] of Object.entries(JSON.parse(text) as Record<string, [number | null, boolean]>)) open.set(task, { due, routing });

  const members = Array.from({ length: openPages }, (): Set<string> => new Set());
  const pageOf = (task: string) => partitionOf(`open ${task}`, openPages);
  for (const task of open.keys()) (members[pageOf(task)] as Set<string>).add(task);
  const dirty = new Set<number>();
  let revision = stored?.revision ?? 0;

  const progress: Progress = {
    open,
    checkpoint: stored === null || stored.gone ? null : (JSON.parse(textOf(stored.data)) as Checkpoint),
    covered: (task, state) => {
      const page = pageOf(task);
      const over = taskEnded(state.status) && state.errands === 0;
      const known = open.get(task);
      if (over) {
        if (known === undefined) return;
        open.delete(task);
        (members[page] as Set<string>).delete(task);
      } else {
        const next = nextDue(state);
        if (known !== undefined && known.due === next.due && known.routing === next.routing) return;
        open.set(task, next);
        (members[page] as Set<string>).add(task);
      }
      dirty.add(page);
    },
    save: async (checkpoint) => {
      const changed = [...dirty];
      dirty.clear();
      try {
        await Promise.all(
          changed.map(async (page) => {
            const text = JSON.stringify(Object.fromEntries([...(members[page] as Set<string>)].map((task) => [task, [open.get(task)?.due ?? null, open.get(task)?.routing ?? false]])));
            if (text === texts[page]) return;
            await store.set({ key: openKey(partition, page), data: text, expect: null });
            texts[page] = text;
          }),
        );
        revision = await store.set({ key: checkpointKey(partition), data: JSON.stringify(checkpoint), expect: revision });
      } catch (error) {
        for (const page of changed) dirty.add(page);
        // Our own write whose answer was lost, or another owner's: either way what is stored now is what the next one follows.
        if (isBusError(error, 'conflict')) revision = (await store.get(checkpointKey(partition)))?.revision ?? 0;
        throw error;
      }
      progress.checkpoint = checkpoint;
      world.counts.checkpoints += 1;
    },
  };
  return progress;
};
