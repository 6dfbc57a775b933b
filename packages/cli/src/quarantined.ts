// What a task's record says of its quarantine, for a person.
import { quarantine, type TaskRecord } from '@capstan/contracts';
import { clean } from './text.ts';

/** Null for a task that goes on. */
export const quarantineText = (task: TaskRecord): string | null => {
  const parsed = quarantine.safeParse(task['quarantine']);
  if (!parsed.success) return null;
  const { why, seq, error, since } = parsed.data;
  const at = why === 'event' ? `event ${seq}` : 'its snapshot';
  return `quarantined since ${clean(since)} at ${at}: ${clean(error)}. \`capstan quarantine release ${clean(task.task_id)}\` lets it go on.`;
};
