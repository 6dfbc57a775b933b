// What must be true of the archive at the end: each task is in the bucket or in one batch, never in both and never in neither; nothing lies there that
// nobody names; what was taken is not lost, and what is over is not kept.
import { archiveLines, archivePage, textOf } from '@capstan/bus';
import { taskEnded } from '@capstan/engine';
import type { AuditOptions } from './audit.ts';
import { forgets, isShort } from './keeping.ts';

interface Head {
  readonly batches: readonly { readonly name: string }[];
  readonly writing?: readonly { readonly name: string }[];
}

export const auditArchive = ({ broker, oracle, keeping, watch, taken, wrong }: AuditOptions): void => {
  const { names } = broker;
  const { forgotten, lost } = watch.archive;
  const stored = tasksStored(broker);
  for (const id of lost) if (!stored.has(id)) wrong(`${id} left the bucket, and is in no batch`);
  const held = batchesOf(broker, stored, wrong);
  const open = new Set(
    [...stored].flatMap(([key, text]) => (key.startsWith('_open.') ? Object.keys(JSON.parse(text) as object) : [])),
  );
  for (const { id, partition, archived } of oracle.tasks.values()) {
    const page = stored.get(names.archived(partition, archivePage(id)));
    const named = page === undefined ? undefined : (JSON.parse(page) as Record<string, string>)[id];
    const batches = held.get(id) ?? [];
    if (archived === null || forgotten.has(id)) {
      if (named !== undefined) wrong(`${id} is not archived, and the directory names ${named}`);
      continue;
    }
    if (stored.has(id)) wrong(`${id} is archived, and is in the bucket`);
    if (open.has(id)) wrong(`${id} is archived, and is on the list of open tasks`);
    if (named === undefined) wrong(`${id} is archived, and the directory does not say where`);
    // Its batch is removed, and the directory is about to say so.
    const isGoing = forgets(keeping) && batches.length === 0;
    if (!isGoing && (batches.length !== 1 || batches[0] !== named))
      wrong(`${id} is in the batches ${batches.join(', ') || '(none)'}, and the directory names ${named}`);
  }
  for (const by of taken) if (oracle.tooLate.has(by)) wrong(`the command of ${by} was taken, and came too late`);
};

/** By task, the batches that hold it. */
const batchesOf = (
  broker: AuditOptions['broker'],
  stored: ReadonlyMap<string, string>,
  wrong: (text: string) => void,
): Map<string, string[]> => {
  const held = new Map<string, string[]>();
  for (const [name, data] of broker.objects.get(broker.names.buckets.artifacts) ?? []) {
    const [, partition, batch = ''] = /^_archive\/(\d+)\/(\w+)\.jsonl$/.exec(name) ?? [];
    if (partition === undefined) continue;
    const head = JSON.parse(stored.get(broker.names.archive(Number(partition))) ?? '{"batches":[]}') as Head;
    if (head.batches.some((one) => one.name === batch))
      for (const { task_id } of archiveLines(data)) held.set(task_id, [...(held.get(task_id) ?? []), batch]);
    else if (!(head.writing ?? []).some((one) => one.name === batch))
      wrong(`the batch ${batch} of partition ${partition} was put, and nobody names it`);
  }
  return held;
};

/** The bucket of tasks. */
export const tasksStored = (broker: AuditOptions['broker']): Map<string, string> => {
  const bucket = broker.names.buckets.tasks;
  const stored = new Map<string, string>();
  for (const { subject, data } of broker.streams.get(`KV_${bucket}`)?.all([]) ?? [])
    if (data.length > 0) stored.set(subject.slice(`$KV.${bucket}.`.length), textOf(data));
  return stored;
};

/** What is still to be done once nothing goes wrong any more; null where all is in its place. */
export const stillToArchive = ({ broker, oracle, keeping, watch }: AuditOptions): string | null => {
  if (!isShort(keeping)) return null;
  const now = broker.clock.now();
  const most = Math.ceil(keeping.tasksMax / 2);
  const kept = [...oracle.tasks.values()].filter(({ archived, versions }) => {
    const state = versions.at(-1)?.state;
    return archived === null && state !== undefined && taskEnded(state.status) && state.errands === 0;
  });
  for (const { id, partition, versions } of kept) {
    const state = versions.at(-1)?.state;
    if ((state?.finishedAt ?? 0) + keeping.tasksMs < now) return `${id} ended long ago, and is not archived`;
    if (kept.filter((one) => one.partition === partition).length > most) return `too many tasks are kept beside ${id}`;
  }
  const stored = tasksStored(broker);
  for (const [key, text] of stored)
    if (key.startsWith('_archive.') && ((JSON.parse(text) as Head).writing ?? []).length > 0)
      return `${key} still names what was never put`;
  for (const { subject, data } of broker.streams.get(`KV_${broker.names.buckets.inbox}`)?.all([]) ?? []) {
    const item = data.length === 0 ? null : (JSON.parse(textOf(data)) as { task_id: string });
    if (item !== null && watch.archive.movedAt.has(item.task_id)) return `${subject} is still in the inbox`;
  }
  return null;
};
