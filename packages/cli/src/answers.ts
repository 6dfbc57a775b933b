// What the API answers, checked before it is shown: a record of another version must not become a stack trace.
import { textOf } from '@capstan/bus';
import {
  type AgentRecord,
  agentRecord,
  type DeadLetter,
  deadLetter,
  type Intervention,
  intervention,
  type TaskRecord,
  taskRecord,
} from '@capstan/contracts';
import { type Client, unreadable } from './client.ts';
import { CommandError, type Exit } from './exit.ts';

interface Readable<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

export const getTask = async (client: Client, taskId: string, timeoutMs?: number): Promise<TaskRecord> => {
  const answer = await client.ask('task', 'get', { task_id: taskId }, timeoutMs);
  const ref = answer['steps_ref'];
  // The steps of a very large plan don't fit a message: the whole record is in the object store.
  return one(taskRecord, typeof ref === 'string' ? await fetchWhole(client, ref) : answer, 'task.get');
};

const fetchWhole = async (client: Client, ref: string): Promise<unknown> => {
  const bucket = client.names.buckets.artifacts;
  const bytes = await client.bus.objects(bucket).get(ref.startsWith(`${bucket}/`) ? ref.slice(bucket.length + 1) : ref);
  if (bytes === null) throw unreadable('task.get');
  const { found } = JSON.parse(textOf(bytes)) as { found: unknown };
  return found;
};

export const getIntervention = async (client: Client, id: string): Promise<Intervention> =>
  one(intervention, await client.ask('inbox', 'get', { id }), 'inbox.get');

export const getDeadLetter = async (client: Client, id: string): Promise<DeadLetter> =>
  one(deadLetter, await client.ask('dlq', 'get', { id }), 'dlq.get');

export const listTasks = (client: Client, filter: object, limit: number): Promise<Page<TaskLine>> =>
  list(client, 'task', 'tasks', taskLine, filter, limit);
export const listInterventions = (client: Client, filter: object, limit: number): Promise<Page<Intervention>> =>
  list(client, 'inbox', 'interventions', intervention, filter, limit);
export const listAgents = (client: Client, filter: object, timeoutMs?: number): Promise<Page<AgentRecord>> =>
  list(client, 'agent', 'agents', agentRecord, filter, Number.POSITIVE_INFINITY, timeoutMs);
export const listDeadLetters = (client: Client, filter: object, limit: number): Promise<Page<DeadLetter>> =>
  list(client, 'dlq', 'dead_letters', deadLetter, filter, limit);

/** What a list tells of a task; some answer with the whole record. */
const taskLine = taskRecord.pick({
  task_id: true,
  title: true,
  status: true,
  tenant: true,
  created_at: true,
  updated_at: true,
});
export type TaskLine = Pick<TaskRecord, 'task_id' | 'title' | 'status' | 'tenant' | 'created_at' | 'updated_at'>;

export interface Page<T> {
  readonly items: readonly T[];
  /** Whether there are more than were asked for. */
  readonly more: boolean;
}

const pageLimit = 1_000;

/** Follows the cursor until there is enough. */
export const list = async <T>(
  client: Client,
  noun: string,
  key: string,
  shape: Readable<T>,
  filter: object,
  limit: number,
  timeoutMs?: number,
): Promise<Page<T>> => {
  const items: T[] = [];
  let cursor: string | undefined;
  for (;;) {
    const paging =
      noun === 'agent'
        ? {}
        : { limit: Math.min(pageLimit, limit - items.length), ...(cursor !== undefined && { cursor }) };
    const answer = await client.ask(noun, 'list', { ...filter, ...paging }, timeoutMs);
    const found = answer[key];
    if (!Array.isArray(found)) throw unreadable(`${noun}.list`);
    for (const item of found) items.push(one(shape, item, `${noun}.list`));
    const next = typeof answer['cursor'] === 'string' && answer['cursor'] !== '' ? answer['cursor'] : undefined;
    // A cursor that stands still would be asked for ever.
    if (next === undefined || next === cursor) return { items, more: false };
    if (items.length >= limit) return { items, more: true };
    cursor = next;
  }
};

const one = <T>(shape: Readable<T>, value: unknown, what: string): T => {
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw unreadable(what);
  return parsed.data;
};

export const isExit = (error: unknown, exit: Exit): boolean => error instanceof CommandError && error.exit === exit;
