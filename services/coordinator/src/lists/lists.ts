// The lists of one partition: its tasks, and what they ask people. Kept with the checkpoint, made anew where there were none.
import type { Change } from '@capstan/bus';
import type { TaskState } from '@capstan/engine';
import { interventionIn } from '../interventions.ts';
import { askedInAnyTerm } from '../say.ts';
import type { World } from '../world.ts';
import { type List, openList, type Row } from './list.ts';
import { listedAsk } from './listed.ts';

export const listNames = ['tasks', 'asked'] as const;
export type ListName = (typeof listNames)[number];

/** What of them is stored with the checkpoint. */
export interface StoredLists extends Readonly<Record<ListName, readonly Row[]>> {
  readonly whole: boolean;
}

export interface Lists extends Readonly<Record<ListName, List>> {
  /** Everything that there is, is on them; otherwise they are to be made anew from what is stored. */
  readonly isWhole: boolean;
  readonly changed: boolean;
  made(): void;
  changes(): ReturnType<List['changes']>;
  stored(): StoredLists;
}

export const listKey = (name: ListName, partition: number): string => `_list.${name}.${partition}`;

export const openLists = async (world: World, partition: number, before: StoredLists | null): Promise<Lists> => {
  const store = world.bus.store(world.names.buckets.tasks);
  const [tasks, asked] = await Promise.all([
    openList(store, listKey('tasks', partition), before?.tasks ?? []),
    openList(store, listKey('asked', partition), before?.asked ?? []),
  ]);
  let whole = before?.whole === true;
  let wasMade = false;
  return {
    tasks,
    asked,
    get isWhole() {
      return whole && tasks.isReadable && asked.isReadable;
    },
    get changed() {
      return wasMade || tasks.changed || asked.changed;
    },
    made: () => {
      whole = true;
      wasMade = true;
    },
    changes: async () => {
      const both = await Promise.all([tasks.changes(), asked.changes()]);
      const hadMade = wasMade;
      wasMade = false;
      return {
        changes: both.flatMap(({ changes }): readonly Change[] => changes),
        kept: () => both.forEach(({ kept }) => kept()),
        lost: () => {
          wasMade ||= hadMade;
          both.forEach(({ lost }) => lost());
        },
      };
    },
    stored: () => ({ whole, tasks: tasks.rows(), asked: asked.rows() }),
  };
};

/**
 * What a task that was loaded has asked: whoever asked it may have died before the list was stored.
 */
export const listAgain = async (
  world: World,
  { asked }: Pick<Lists, 'asked'>,
  { state }: { readonly state: TaskState },
): Promise<void> => {
  if (state.interventions.length === 0) return;
  const inbox = world.bus.store(world.names.buckets.inbox);
  const stored = () => Promise.all(state.interventions.map((id) => inbox.get(id)));
  for (const entry of await askedInAnyTerm(world, stored)) {
    const item = interventionIn(entry);
    if (item !== null) asked.put(listedAsk(item));
  }
};
