// What the archive has: each task that the directory names in one batch, whole, as the log has it; and no batch that nobody names.
import { type ArchivedTask, archiveLines, archiveObject, type Bus, textOf } from '@capstan/bus';
import { pageOf, recordOf, taskEnded, type TaskState } from '@capstan/engine';
import { readAll } from './replay.ts';

type Say = (text: string) => void;

/** By id. */
export const archivedTasks = async (bus: Bus, say: Say): Promise<Map<string, ArchivedTask>> => {
  const { names } = bus;
  const prefix = `$KV.${names.buckets.tasks}.`;
  const stored = new Map<string, string>();
  for (const { subject, data } of await readAll(bus, `KV_${names.buckets.tasks}`))
    if (data.length > 0) stored.set(subject.slice(prefix.length), textOf(data));
  const named = new Map<string, string>();
  const found = new Map<string, ArchivedTask>();
  for (const [key, text] of stored)
    if (key.startsWith('_archived.'))
      for (const [id, batch] of Object.entries(JSON.parse(text) as Record<string, string>)) named.set(id, batch);
  for (const [key, text] of stored) {
    const partition = /^_archive\.(\d+)$/.exec(key)?.[1];
    if (partition === undefined) continue;
    for (const { name } of (JSON.parse(text) as { batches: { name: string }[] }).batches) {
      const data = await bus.objects(names.buckets.artifacts).get(archiveObject(Number(partition), name));
      if (data === null) say(`the batch ${name} of partition ${partition} is not there`);
      for (const task of data === null ? [] : archiveLines(data)) {
        if (found.has(task.task_id)) say(`${task.task_id} is archived twice`);
        if (named.get(task.task_id) !== name)
          say(`${task.task_id} is in the batch ${name}, and the directory names ${named.get(task.task_id)}`);
        found.set(task.task_id, task);
      }
    }
  }
  for (const id of found.keys()) if (stored.has(id)) say(`${id} is archived, and is in the bucket`);
  for (const [id, batch] of named)
    if (!found.has(id)) say(`${id} is not in the batch ${batch}, which it is named with`);
  return found;
};

export const checkArchived = (id: string, state: TaskState, { head, pages, events }: ArchivedTask, say: Say): void => {
  const pageKey = (page: number) => `${id}.steps.${page}`;
  const { view: _, ...record } = head as typeof head & { view?: unknown };
  if (!taskEnded(state.status)) say(`${id} is archived, and is ${state.status}`);
  // What came too late is in the log, and changed nothing any more.
  if (record.seq === state.seq) {
    if (JSON.stringify(record) !== JSON.stringify(recordOf(state, { whole: false, pageKey })))
      say(`the archive says of ${id} what the log does not`);
    pages.forEach((page, at) => {
      if (JSON.stringify(page) !== JSON.stringify(pageOf(state, at)))
        say(`the archive says of page ${at} of ${id} what the log does not`);
    });
  } else if (record.status !== state.status) say(`${id} was archived as ${record.status}, and is ${state.status}`);
  if (events[0]?.subject.includes(`.${id}.submitted.`) !== true) say(`the archive does not have how ${id} began`);
};
