// Whether the log has lost its end: a power cut under relaxed sync, or a restored backup.
import type { Log } from '@capstan/bus';
import type { Checkpoint } from './checkpoint.ts';

/**
 * Where the log ends, when it is not the one that the checkpoint is of: it ends before, or goes on there with something that came later, as reports
 * do that were stored after it was rolled back. Null where it is the one. Asked of the log only now: an answer from before the checkpoint was
 * read may be older than what the checkpoint covers, since whoever stood still meanwhile takes over from somebody who went on.
 */
export const endBefore = async (log: Log, checkpoint: Checkpoint | null): Promise<number | null> => {
  if (checkpoint === null || checkpoint.seq === 0) return null;
  const { last } = await log.info();
  if (last < checkpoint.seq) return last;
  const there = await log.at(checkpoint.seq);
  return there !== null && there.at > checkpoint.at ? last : null;
};
