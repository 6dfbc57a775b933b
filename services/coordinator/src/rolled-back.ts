// Whether the log has lost its end: a power cut under relaxed sync, or a restored backup.
import type { Log } from '@capstan/bus';
import type { Checkpoint } from './checkpoint.ts';

/**
 * Where the log ends, when that is before the checkpoint; null where it is not. Asked of the log only now: an answer from before the checkpoint was
 * read may be older than what the checkpoint covers, since whoever stood still meanwhile takes over from somebody who went on.
 */
export const endBefore = async (log: Log, checkpoint: Checkpoint | null): Promise<number | null> => {
  if (checkpoint === null) return null;
  const { last } = await log.info();
  return last < checkpoint.seq ? last : null;
};
