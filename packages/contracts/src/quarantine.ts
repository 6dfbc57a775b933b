// A task that stands still because Capstan itself can't go on with it: what its log or its snapshot holds can't be decided on. All others go on.
import { z } from 'zod';
import { time, version } from './ids.ts';

export const quarantine = z.looseObject({
  v: version,
  task_id: z.string(),
  /** `event`: the engine failed on one, or the process died of it; `snapshot`: what is stored of the task can't be read. */
  why: z.enum(['event', 'snapshot']),
  /** The event that it stopped at; null where none is to blame. */
  seq: z.int().nullable(),
  error: z.string(),
  since: time,
  /** The dead letter that holds the bytes. */
  dead_letter: z.string().nullable(),
  /** Events that were left out when it was released: whoever replays the log leaves them out too. */
  skipped: z.array(z.int()),
  released_at: time.nullable(),
  released_by: z.string().nullable(),
});
export type Quarantine = z.infer<typeof quarantine>;

export const quarantineRelease = z.looseObject({
  v: version,
  task_id: z.string().min(1).max(128),
  /** Leaves out the event that it stopped at; otherwise it is tried again. */
  skip: z.boolean().optional(),
  by: z.string().min(1).max(256).optional(),
});
