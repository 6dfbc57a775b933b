// The archive: tasks that ended long ago, many in one object, one a line, with all that was ever said to them. A directory in the bucket of tasks says
// which object holds which; a task is in the bucket or in the directory, never in both and never in neither.
import { isUtf8 } from 'node:buffer';
import { type Json, limits, type TaskRecord } from '@capstan/contracts';
import { textOf } from './decode.ts';
import { partitionOf } from './partition.ts';
import type { Bus, Message } from './port.ts';

export interface ArchivedTask {
  readonly v: 1;
  readonly task_id: string;
  readonly archived_at: string;
  /** The snapshot as it was stored, and its pages. */
  readonly head: TaskRecord;
  readonly pages: readonly Record<string, Json>[];
  /** In the order of the log; a body that is no text is in base64. */
  readonly events: readonly ArchivedEvent[];
  /** What it asked people, as the inbox had it. */
  readonly asked: readonly Json[];
}

interface ArchivedEvent {
  readonly seq: number;
  readonly at: number;
  readonly subject: string;
  readonly text?: string;
  readonly base64?: string;
}

export interface Archive {
  /** Null for a task that is not there, or not any more. */
  find(task: string): Promise<ArchivedTask | null>;
  /** The same, without reading it; may be as old as `freshMs`, or as what is asked for. */
  holds(task: string, asOldAsMs?: number): Promise<boolean>;
  /**
   * The same where the log is about to forget, or has begun to; before that the log itself knows every name, and nothing is looked up. Whoever makes
   * it forget says so long before he does.
   */
  mayHaveAlone(task: string): Promise<boolean>;
}

/** Of the directory of one partition. */
export const archivePages = 16;
const pagesKept = 64;

export const archivePage = (task: string): number => partitionOf(`archived ${task}`, archivePages);

/** In the store of artifacts; no task of a user's begins with "_". */
export const archiveObject = (partition: number, batch: string): string => `_archive/${partition}/${batch}.jsonl`;

export const archivedEvent = ({ seq, at, subject, data }: Message): ArchivedEvent =>
  isUtf8(data)
    ? { seq, at, subject, text: textOf(data) }
    : { seq, at, subject, base64: Buffer.from(data).toString('base64') };

export const archiveLine = (task: ArchivedTask): string => {
  const { v, task_id, ...rest } = task;
  return `${JSON.stringify({ v, task_id, ...rest })}\n`;
};

export const archiveLines = (data: Uint8Array): ArchivedTask[] =>
  textOf(data)
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as ArchivedTask]));

/** Its events as the log had them. */
export const messagesIn = ({ events }: ArchivedTask): Message[] =>
  events.map(({ seq, at, subject, text, base64 }) => ({
    seq,
    at,
    subject,
    data: text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text),
    header: () => undefined,
    headers: () => [],
  }));

/**
 * All that was said to a task, of which the log may have forgotten the beginning, or everything; `find` is asked only then. What the log has besides
 * came too late, or is forged.
 */
export const wholeHistory = async (
  logged: readonly Message[],
  find: () => Promise<ArchivedTask | null>,
): Promise<readonly Message[]> => {
  if (logged[0]?.subject.includes('.submitted.') === true) return logged;
  const archived = await find();
  if (archived === null) return logged;
  const before = messagesIn(archived);
  const last = before.at(-1)?.seq ?? 0;
  return [...before, ...logged.filter(({ seq }) => seq > last)];
};

/** The record with all of its steps. */
export const recordIn = ({ head, pages, archived_at }: ArchivedTask): TaskRecord => ({
  ...head,
  steps: Object.assign({}, head.steps, ...pages) as TaskRecord['steps'],
  archived_at,
});

export const openArchive = (
  bus: Bus,
  {
    partitions = limits.partitions as number,
    freshMs = 0,
    now = Date.now,
  }: { partitions?: number; freshMs?: number; now?: () => number } = {},
): Archive => {
  const { names } = bus;
  const known = new Map<string, { readonly at: number; readonly text: string }>();

  const read = async (key: string): Promise<string> => {
    const entry = await bus.store(names.buckets.tasks).get(key);
    const text = entry === null || entry.gone ? '{}' : textOf(entry.data);
    known.delete(key);
    known.set(key, { at: now(), text });
    for (const oldest of known.keys()) {
      if (known.size <= pagesKept) break;
      known.delete(oldest);
    }
    return text;
  };
  const keyOf = (task: string): string => names.archived(partitionOf(task, partitions), archivePage(task));

  const holds = async (task: string, asOldAsMs = freshMs): Promise<boolean> => {
    const key = keyOf(task);
    const page = known.get(key);
    const text = page !== undefined && now() - page.at < asOldAsMs ? page.text : await read(key);
    return text.includes(`"${task}":`);
  };
  let hasForgotten = false;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  const look = async (): Promise<void> => {
    const at = now();
    hasForgotten =
      (await bus.store(names.buckets.tasks).get(names.forgetting)) !== null ||
      (await bus.log(names.streams.events).info()).first > 1;
    lookedAt = at;
  };

  return {
    holds,
    mayHaveAlone: async (task) => {
      // One look serves everybody who comes meanwhile.
      if (!hasForgotten && now() - lookedAt >= freshMs) await (looking ??= look().finally(() => (looking = null)));
      return hasForgotten && holds(task);
    },
    find: async (task) => {
      const batch = (JSON.parse(await read(keyOf(task))) as Record<string, string>)[task];
      if (batch === undefined) return null;
      const name = archiveObject(partitionOf(task, partitions), batch);
      const data = await bus.objects(names.buckets.artifacts).get(name);
      if (data === null) return null;
      const text = textOf(data);
      const from = text.indexOf(`{"v":1,"task_id":"${task}",`);
      return from < 0 ? null : (JSON.parse(text.slice(from, text.indexOf('\n', from))) as ArchivedTask);
    },
  };
};
