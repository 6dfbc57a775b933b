// A schedule: a task that is submitted again and again, by a cron expression, or once, at a time.
import { z } from 'zod';
import { id, time, version } from './ids.ts';
import { submission } from './submission.ts';

export const overlap = z.enum(['skip', 'queue', 'cancel_other', 'allow']);
export const catchUp = z.enum(['none', 'latest', 'all']);

export const schedule = z.looseObject({
  v: version,
  name: id.max(40),
  /** Five parts, or six with seconds first: `0 3 * * 1-5`. */
  cron: z.string().min(1).max(256).optional(),
  at: time.optional(),
  /** A name of the IANA database, such as Europe/Berlin; UTC where it is left out. */
  time_zone: z.string().min(1).max(64).optional(),
  /** The task to be submitted; its id is made of the schedule's name and the time that is due. */
  task: submission.omit({ task_id: true }),
  /** What happens to a time that is due while a task of this schedule has not ended. */
  overlap: overlap.optional(),
  /** What happens to times that were missed, because nobody was there. */
  catch_up: catchUp.optional(),
  paused: z.boolean().optional(),
  by: z.string().min(1).max(256).optional(),
});
export type Schedule = z.infer<typeof schedule>;
