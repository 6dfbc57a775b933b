// How far a partition's events are covered by snapshots, and which of its tasks are open: what whoever takes it over reads first.
import { type Change, isBusError, partitionOf, textOf } from '@capstan/bus';
import { nextDue, taskEnded, type TaskState } from '@capstan/engine';
import type { Actor } from './actor.ts';
import { listedTask } from './lists/listed.ts';
import { type Lists, openLists, type StoredLists } from './lists/lists.ts';
import { Overtaken } from './overtaken.ts';
import { storedInAnyTerm } from './say.ts';
import type { World } from './world.ts';

export interface Checkpoint {
  readonly seq: number;
  /** The stream's time at that sequence: where the log has rolled back, the sequence alone would lie. */
  readonly at: number;
  /** Orders up to here, in their own stream, were decided before it: nobody who starts from it says them again. */
  readonly orders?: number;
}

/** As it is stored: with what of the lists is on no page yet, and with who opened the partition last. */
interface Stored extends Checkpoint {
  readonly lists?: StoredLists;
  readonly opened?: string;
}

/** When an open task wants to be looked at; `routing` is at once: it looks for a queue, or owes orders that still waited for their turn. */
export interface OpenTask {
  readonly due: number | null;
  readonly routing: boolean;
  /** As it was listed last; not stored. */
  readonly group?: string;
}

const openPages = 16;
export const checkpointKey = (partition: number): string => `_checkpoint.${partition}`;
const openKey = (partition: number, page: number): string => `_open.${partition}.${page}`;

export interface Progress {
  readonly open: ReadonlyMap<string, OpenTask>;
  /** All of its tasks, and what they ask people. */
  readonly lists: Lists;
  checkpoint: Checkpoint | null;
  /** Keeps the lists in step with a snapshot that was stored. */
  covered(actor: Pick<Actor, 'id' | 'first'>, state: TaskState, owes: boolean): void;
  /** It is archived: whoever took it there died before that was stored here. */
  gone(task: string): void;
  /** A list has changed since it was stored. */
  readonly changed: boolean;
  /**
   * Stores the pages that changed and the checkpoint, all or nothing: a task must be on the list before the events that would show it are passed
   * over, and whoever lost the partition without knowing must change neither. Throws `Overtaken` where another owner stored a checkpoint.
   */
  save(checkpoint: Checkpoint): Promise<void>;
  /**
   * Stores changes beside the checkpoint that is stored, all or nothing. Gives back their revisions, null where one of them is refused; throws
   * `Overtaken` as `save` does.
   */
  saveWith(changes: readonly Change[]): Promise<readonly number[] | null>;
}

/**
 * Also makes the checkpoint its own, before anything of the partition is read: whoever owned it before, and does not know yet that he lost it,
 * can change nothing any more that goes with the checkpoint, however late he wakes up.
 */
export const loadProgress = async (world: World, partition: number): Promise<Progress> => {
  for (;;) {
    const progress = await openProgress(world, partition);
    if (progress !== null) return progress;
  }
};

/** Null where somebody else wrote meanwhile: what was read is old. */
const openProgress = async (world: World, partition: number): Promise<Progress | null> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const stored = await store.get(checkpointKey(partition));
  const pages = await Promise.all(Array.from({ length: openPages }, (_, page) => store.get(openKey(partition, page))));
  const open = new Map<string, OpenTask>();
  const texts = pages.map((entry) => (entry === null || entry.gone ? '{}' : textOf(entry.data)));
  let checkpoint: Stored | null = null;
  let isTorn = false;
  try {
    for (const text of texts)
      for (const [task, [due, routing]] of Object.entries(JSON.parse(text) as Record<string, [number | null, boolean]>))
        open.set(task, { due, routing });
    if (stored !== null && !stored.gone) checkpoint = JSON.parse(textOf(stored.data)) as Stored;
  } catch (error) {
    // The log has it all: every task in it is loaded once, and the list is made anew from them.
    isTorn = true;
    world.log.error(
      { err: error, partition },
      'how far this partition is covered can not be read; its log is read from the beginning',
    );
  }

  const lists = await openLists(world, partition, checkpoint?.lists ?? null);
  // Nothing was stored before: the lists hold all that there is.
  if (stored === null && !isTorn) lists.made();
  // Nobody else ever writes the same: a refusal that comes after a lost answer is never taken for one's own success.
  const opened = world.newId();
  const claimed = await storedInAnyTerm(world, () =>
    store
      .set({
        key: checkpointKey(partition),
        data: JSON.stringify({ seq: 0, at: 0, lists: lists.stored(), ...checkpoint, opened } satisfies Stored),
        expect: stored?.revision ?? 0,
      })
      .catch((error: unknown) => {
        if (isBusError(error, 'conflict')) return null;
        throw error;
      }),
  );
  if (claimed === null) return null;

  const members = Array.from({ length: openPages }, (): Set<string> => new Set());
  const pageOf = (task: string) => partitionOf(`open ${task}`, openPages);
  for (const task of open.keys()) (members[pageOf(task)] as Set<string>).add(task);
  const dirty = new Set<number>(isTorn ? pages.keys() : []);
  let revision = claimed;
  let saving: Promise<void> = Promise.resolve();

  const progress: Progress = {
    open,
    lists,
    checkpoint,
    covered: ({ id: task, first }, state, owes) => {
      const listed = listedTask(task, first, state);
      const page = pageOf(task);
      const over = taskEnded(state.status) && state.errands === 0;
      const known = open.get(task);
      if (over) {
        lists.tasks.put(listed);
        if (known === undefined) return;
        open.delete(task);
        (members[page] as Set<string>).delete(task);
      } else {
        const { due, routing } = nextDue(state);
        const { group } = listed;
        if (known?.group !== group) lists.tasks.put(listed);
        const next = { due, routing: routing || owes, group };
        if (known !== undefined && known.due === next.due && known.routing === next.routing && known.group === group)
          return;
        open.set(task, next);
        (members[page] as Set<string>).add(task);
      }
      dirty.add(page);
    },
    gone: (task) => {
      if (!open.delete(task)) return;
      (members[pageOf(task)] as Set<string>).delete(task);
      dirty.add(pageOf(task));
    },
    get changed() {
      return dirty.size > 0 || lists.changed;
    },
    // One after the other: each follows the revision of the one before.
    save: (checkpoint) => (saving = saving.catch(() => {}).then(() => save(checkpoint))),
    saveWith: (changes) => {
      const storing = saving.catch(() => {}).then(() => saveWith(changes));
      saving = storing.then(() => {});
      saving.catch(() => {});
      return storing;
    },
  };

  const checkpointText = (checkpoint: Checkpoint): string =>
    JSON.stringify({ ...checkpoint, lists: lists.stored(), opened } satisfies Stored);
  /** The pages of what is open that changed; `kept` and `lost` say how storing them went. */
  const openChanges = () => {
    const changed = [...dirty];
    dirty.clear();
    const written = new Map(changed.map((page) => [page, pageText(page)]));
    return {
      changes: [...written]
        .filter(([page, text]) => text !== texts[page])
        .map(([page, text]): Change => ({ key: openKey(partition, page), data: text, expect: null })),
      kept: () => {
        for (const [page, text] of written) texts[page] = text;
      },
      lost: () => {
        for (const page of changed) dirty.add(page);
      },
    };
  };
  const saveWith = async (changes: readonly Change[]): Promise<readonly number[] | null> => {
    if (progress.checkpoint === null) return null;
    const { seq, at, orders } = progress.checkpoint;
    const data = checkpointText({ seq, at, ...(orders === undefined ? {} : { orders }) });
    const mark: Change = { key: checkpointKey(partition), data, expect: revision };
    // What leaves the bucket with them must not stay on the list of what is open.
    const pages = openChanges();
    try {
      const [own, ...others] = await store.setAll([mark, ...changes, ...pages.changes]);
      revision = own as number;
      pages.kept();
      return others.slice(0, changes.length);
    } catch (error) {
      pages.lost();
      if (!isBusError(error, 'conflict')) throw error;
      if ((await store.get(mark.key))?.revision === revision) return null;
      throw new Overtaken(`somebody else stored the checkpoint of partition ${partition}`, { cause: error });
    }
  };

  const save = async (checkpoint: Checkpoint): Promise<void> => {
    const pages = openChanges();
    const changes: Change[] = [...pages.changes];
    let listed: Awaited<ReturnType<Lists['changes']>> | null = null;
    try {
      listed = await lists.changes();
      changes.push(...listed.changes);
      changes.push({
        key: checkpointKey(partition),
        data: checkpointText(checkpoint),
        expect: revision,
      });
      revision = (await store.setAll(changes)).at(-1) as number;
      listed.kept();
    } catch (error) {
      listed?.lost();
      pages.lost();
      if (isBusError(error, 'conflict'))
        throw new Overtaken(`somebody else stored the checkpoint of partition ${partition}`, { cause: error });
      throw error;
    }
    pages.kept();
    progress.checkpoint = checkpoint;
    world.counts.checkpoints += 1;
  };
  const pageText = (page: number): string =>
    JSON.stringify(
      Object.fromEntries(
        [...(members[page] as Set<string>)].map((task) => [
          task,
          [open.get(task)?.due ?? null, open.get(task)?.routing ?? false],
        ]),
      ),
    );
  return progress;
};

export interface StoredMark {
  /** The first event that a partition still needs. */
  readonly mark: number;
  /** Of the checkpoint, with which the lists are stored: while it is the same, so is the mark. */
  readonly revision: number;
}

/** As it is stored; null where that can't be told. `before` is what was found last. */
export const storedMark = async (
  world: World,
  partition: number,
  before: StoredMark | null = null,
): Promise<StoredMark | null> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const entry = await store.get(checkpointKey(partition));
  if (entry === null || entry.gone) return null;
  const { revision } = entry;
  if (revision === before?.revision) return before;
  const { seq, lists } = JSON.parse(textOf(entry.data)) as Stored;
  if (lists?.whole !== true) return null;
  const opened = await openLists(world, partition, lists);
  // Head and checkpoint are read one after the other; where somebody wrote both meanwhile, another look will tell.
  if ((await store.get(checkpointKey(partition)))?.revision !== revision || !opened.isWhole) return null;
  return { mark: Math.min(seq, opened.tasks.first()), revision };
};

/** The lists of a partition that nobody owns just now, to be read. */
export const storedLists = async (world: World, partition: number): Promise<Lists> => {
  const entry = await world.bus.store(world.names.buckets.tasks).get(checkpointKey(partition));
  const before = entry === null || entry.gone ? null : (JSON.parse(textOf(entry.data)) as Stored);
  return openLists(world, partition, before?.lists ?? null);
};
