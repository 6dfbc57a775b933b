// Lists made anew from the bucket, where there were none: an installation from before they were kept, or somebody wrote there. The bucket is read
// once for all partitions that wait for it; what is heard meanwhile is newer than what is read.
import { type Entry, partitionOf, textOf } from '@capstan/bus';
import type { TaskRecord } from '@capstan/contracts';
import { taskEnded } from '@capstan/engine';
import { interventionIn } from '../interventions.ts';
import type { World } from '../world.ts';
import { groupOf, type Listed, listedAsk } from './listed.ts';
import type { Lists } from './lists.ts';

export const newRelisting = (world: World): ((partition: number, lists: Lists) => void) => {
  const { bus, names } = world;
  let waiting = new Map<number, Lists>();
  let working: Promise<void> | null = null;

  const all = async (bucket: string, on: (entry: Entry) => void): Promise<void> => {
    let ready: () => void = () => {};
    const end = new Promise<void>((resolve) => (ready = resolve));
    const watching = await bus.store(bucket).watch(on, ready);
    await end;
    await watching.stop();
  };

  const round = async (): Promise<void> => {
    // Those that came about together are done together.
    await Promise.resolve();
    const some = waiting;
    waiting = new Map();
    const listsOf = (task: string): Lists | undefined => some.get(partitionOf(task, world.partitions));
    let found = 0;
    await all(names.buckets.tasks, (entry) => {
      const one = entry.key.includes('.') ? null : listedIn(entry);
      const lists = one === null ? undefined : listsOf(one.id);
      if (one === null || lists === undefined) return;
      lists.tasks.add(one);
      found += 1;
    });
    await all(names.buckets.inbox, (entry) => {
      const item = interventionIn(entry);
      if (item !== null) listsOf(item.task_id)?.asked.add(listedAsk(item));
    });
    for (const lists of some.values()) lists.made();
    world.log.info({ partitions: some.size, tasks: found }, 'the lists of tasks were made anew from what is stored');
  };

  const go = (): void => {
    working ??= round()
      .catch((error: unknown) =>
        world.log.warn({ err: error }, 'the lists of tasks are not whole; the next start makes them'),
      )
      .finally(() => {
        working = null;
        if (waiting.size > 0) go();
      });
  };
  return (partition, lists) => {
    if (lists.isWhole) return;
    waiting.set(partition, lists);
    go();
  };
};

/** Null for what is no task. */
const listedIn = ({ key, data, gone }: Entry): Listed | null => {
  if (gone) return null;
  try {
    const record = JSON.parse(textOf(data)) as TaskRecord & { engine: { errands: number } };
    if (record.task_id !== key) return null;
    const { tenant, status, created_at, finished_at, updated_at, engine } = record;
    const isOver = taskEnded(status) && engine.errands === 0;
    return {
      id: key,
      created: Date.parse(created_at),
      group: groupOf(tenant, status, key),
      // Where it began is not looked up for each: as long as it is kept, everything is.
      first: 1,
      ended: isOver ? Date.parse(finished_at ?? updated_at) : 0,
    };
  } catch {
    return null;
  }
};
