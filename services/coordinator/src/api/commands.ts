// A task as the doors find it, and a command to it.
import { recordIn } from '@capstan/bus';
import { type Command, type CommandBody, isEnded, type taskCommand, type TaskRecord } from '@capstan/contracts';
import { commandIssue } from '@capstan/engine';
import type { z } from 'zod';
import { Refusal } from '../doors/refusal.ts';
import { keyOf } from '../key-of.ts';
import { sayEvent } from '../say.ts';
import { submissionOf } from '../submission-of.ts';
import { publicRecord } from '../tasks.ts';
import type { World } from '../world.ts';
import type { ApiContext } from './endpoint.ts';

export const found = async (context: ApiContext, id: string): Promise<TaskRecord> =>
  (await context.tasks.read(id)) ?? (await archivedRecord(context.world, id)) ?? justSubmitted(context, id);

/** A task that ended long ago, as the archive has it. */
export const archivedRecord = async (world: World, id: string): Promise<TaskRecord | null> => {
  if (!(await world.archive.holds(id))) return null;
  const archived = await world.archive.find(id);
  return archived === null ? null : publicRecord(recordIn(archived));
};

/** Nothing can be done to it any more. */
export const archivedRefusal = (id: string): Refusal =>
  new Refusal('gone', `Task "${id}" ended long ago and is in the archive: it can be read, and not be changed.`, {
    hint: 'Submit it anew, under another task_id.',
  });

/** Its owner may not have heard of it yet, or may not answer just now: whoever was told that a task is taken must not be told that there is none. */
const justSubmitted = async ({ world, tasks }: ApiContext, id: string): Promise<TaskRecord> => {
  const began = await submissionOf(world, id);
  if (began === null)
    throw new Refusal('not_found', `There is no task "${id}".`, {
      hint: 'capstan list shows the tasks that there are.',
    });
  const record = await tasks.read(id, began.heard.message.seq);
  if (record === null)
    throw new Refusal('unavailable', `Task "${id}" is taken, and nobody can say just now how it stands. Ask again.`);
  return record;
};

const told = [
  'task_id',
  'title',
  'tenant',
  'priority',
  'status',
  'reason',
  'phase',
  'requester',
  'created_at',
  'started_at',
  'finished_at',
  'updated_at',
  'counts',
] as const satisfies readonly (keyof TaskRecord)[];

/** What a list says of a task. */
export const summary = (record: TaskRecord): Pick<TaskRecord, (typeof told)[number]> =>
  Object.fromEntries(told.map((field) => [field, record[field]])) as Pick<TaskRecord, (typeof told)[number]>;

/** A command is stored as an event, then answered with what came of it. */
export const commandTask = async (
  context: ApiContext,
  command: Command,
  asked: z.output<typeof taskCommand>,
): Promise<{ task_id: string; status: TaskRecord['status']; reason: string | null }> => {
  const { world, tasks } = context;
  const record = await found(context, asked.task_id);
  const body: CommandBody = {
    v: 1,
    command,
    by: asked.by ?? 'somebody',
    ...(asked.step_id === undefined ? {} : { step_id: asked.step_id }),
    ...(asked.reason === undefined ? {} : { reason: asked.reason }),
  };
  if (asked.step_id !== undefined && !Object.hasOwn(record.steps, asked.step_id))
    throw new Refusal('not_found', `Task "${asked.task_id}" has no step "${asked.step_id}".`, {
      fields: [{ path: 'step_id', issue: 'names no step' }],
    });
  if (record['quarantine'] !== undefined)
    throw new Refusal(
      'conflict',
      `Task "${asked.task_id}" is quarantined, so nothing that is said to it now is heard.`,
      {
        hint: `capstan quarantine release ${asked.task_id} lets it go on.`,
      },
    );
  if (record.archived_at !== undefined) throw archivedRefusal(asked.task_id);
  const issue = commandIssue(record.status, body);
  if (issue !== null)
    throw new Refusal(asked.step_id === undefined && command === 'skip' ? 'invalid' : 'conflict', issue);
  const objection = await tasks.objection(asked.task_id, body);
  if (objection !== null) throw new Refusal('conflict', objection);
  const { seq } = await sayEvent(
    world,
    asked.task_id,
    await keyOf(world, asked.task_id),
    ['commanded', world.newId()],
    body,
  );
  const after = await tasks.read(asked.task_id, seq);
  // It went at that very moment: what was said came too late.
  if (after === null && (await world.archive.holds(asked.task_id))) throw archivedRefusal(asked.task_id);
  // It may go just now, and nobody has heard yet whether this comes before: that it is taken can't be promised.
  if (isEnded(record.status) && (after === null || after.seq < seq))
    throw new Refusal(
      'unavailable',
      `What was said to task "${asked.task_id}" is stored, and nobody can say just now what comes of it.`,
      { hint: `capstan get ${asked.task_id} shows it before long.` },
    );
  return { task_id: asked.task_id, status: after?.status ?? record.status, reason: after?.reason ?? null };
};
