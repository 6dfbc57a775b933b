// Looks at the step from the bucket to the archive, at the moment in which it is: what leaves the bucket is in one batch, whole, as it was; what the
// log forgets is needed by nobody.
import { archiveLines, archiveObject, type Broker } from '@capstan/bus';
import { parseEventSubject } from '@capstan/contracts';
import { pageOf, recordOf, taskEnded } from '@capstan/engine';
import type { Stored } from './events.ts';
import { forgets } from './keeping.ts';
import type { Keeping } from '@capstan/coordinator';
import type { FollowedTask, Oracle } from './oracle.ts';

export interface ArchiveWatch {
  /** Of the bucket of tasks; an empty text is a key that went. */
  onKey(key: string, text: string): void;
  /** Tasks that left the archive too, after their time. */
  readonly forgotten: ReadonlySet<string>;
  /** When each task went to the archive. */
  readonly movedAt: ReadonlyMap<string, number>;
  /** Tasks that left the bucket, and that no batch has. */
  readonly lost: ReadonlySet<string>;
}

interface Parts {
  readonly broker: Broker;
  readonly oracle: Oracle;
  readonly keeping: Keeping;
  /** Up to where the snapshot of a task goes. */
  readonly covered: ReadonlyMap<string, number>;
  readonly checkpoints: ReadonlyMap<number, number>;
  readonly wrong: (text: string) => void;
}

export const pageKey = (task: string, page: number): string => `${task}.steps.${page}`;

export const watchArchive = ({ broker, oracle, keeping, covered, checkpoints, wrong }: Parts): ArchiveWatch => {
  const { names } = broker;
  const pages = new Map<string, Readonly<Record<string, string>>>();
  const forgotten = new Set<string>();
  const movedAt = new Map<string, number>();
  /** Out of the bucket, and in the directory: with the head, the last key of the step, both are the same tasks. */
  const removed = new Set<string>();
  const named = new Map<string, string>();

  const onPage = (key: string, text: string): void => {
    const before = pages.get(key) ?? {};
    const now = text === '' ? {} : (JSON.parse(text) as Record<string, string>);
    pages.set(key, now);
    for (const [task, batch] of Object.entries(now)) if (before[task] !== batch) named.set(task, batch);
    for (const task of Object.keys(before)) {
      if (now[task] !== undefined) continue;
      if (!forgets(keeping)) wrong(`${task} is in the archive no more, long before its time`);
      forgotten.add(task);
    }
  };

  const onHead = (text: string): void => {
    const { batches } = JSON.parse(text) as { batches: readonly { name: string }[] };
    for (const [id, batch] of named) {
      const task = oracle.tasks.get(id);
      if (task === undefined) wrong(`the archive has ${id}, which the log does not know`);
      else if (!removed.delete(id)) wrong(`${id} was archived, and is still in the bucket`);
      else if (task.archived !== null) wrong(`${id} was archived twice`);
      else if (!batches.some(({ name }) => name === batch)) wrong(`${id} is in the batch ${batch}, which is not there`);
      else archived(task, batch);
    }
    named.clear();
  };

  const archived = (task: FollowedTask, batch: string): void => {
    movedAt.set(task.id, broker.clock.now());
    const data = broker.objects.get(names.buckets.artifacts)?.get(archiveObject(task.partition, batch));
    const lines = data === undefined ? [] : archiveLines(data).filter(({ task_id }) => task_id === task.id);
    const [line] = lines;
    if (line === undefined || lines.length > 1) {
      wrong(`${task.id} is ${lines.length} times in the batch that it was archived with`);
      return oracle.archive(task, covered.get(task.id) ?? 0);
    }
    const { view: _, ...head } = line.head as typeof line.head & { view?: unknown };
    const { seq } = head;
    const version = task.versions.findLast((one) => one.seq === seq);
    if (seq !== covered.get(task.id))
      wrong(`${task.id} was archived as it was at ${seq}, and its snapshot was at ${covered.get(task.id)}`);
    if (version === undefined) return wrong(`${task.id} was archived at ${seq}, where the log has no event of it`);
    const { state } = version;
    if (!taskEnded(state.status) || state.errands > 0) wrong(`${task.id} was archived, and is ${state.status}`);
    const want = recordOf(state, { whole: false, pageKey: (page) => pageKey(task.id, page) });
    if (JSON.stringify(head) !== JSON.stringify(want)) wrong(`${task.id} was archived as something else than it was`);
    line.pages.forEach((page, at) => {
      if (JSON.stringify(page) !== JSON.stringify(pageOf(state, at)))
        wrong(`page ${at} of ${task.id} was archived as something else than it was`);
    });
    const events = new Set(line.events.map((event) => event.seq));
    const left = task.said.filter((at) => at <= seq && !events.has(at));
    if (left.length > 0) wrong(`${task.id} was archived without what was said to it at ${left.join(', ')}`);
    oracle.archive(task, seq);
  };

  /** The log may forget what nobody will ask for: of tasks that are kept, all is needed; of others, what a partition has yet to read. */
  broker.streams.get(names.streams.events)?.onRemove.add(({ subject, seq }: Stored) => {
    const said = parseEventSubject(names, subject);
    if (said === null) return;
    const task = oracle.tasks.get(said.task);
    if (task !== undefined && task.archived === null)
      wrong(`the event ${seq} of ${task.id} was purged, and the task is kept`);
    if (seq > (checkpoints.get(said.partition) ?? 0))
      wrong(`the event ${seq} was purged, and the checkpoint of partition ${said.partition} is below it`);
  });

  return {
    onKey: (key, text) => {
      if (key.startsWith('_archived.')) onPage(key, text);
      else if (key.startsWith('_archive.')) onHead(text);
      else if (text === '' && !key.includes('.')) removed.add(key);
    },
    forgotten,
    movedAt,
    lost: removed,
  };
};
