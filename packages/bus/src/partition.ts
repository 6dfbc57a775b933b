// Which partition a task belongs to. Fixed for the life of an installation: with another count or another hash, tasks would move.
import { limits } from '@capstan/contracts';

/** FNV-1a with a final mix, so that ids that differ in a digit only still spread. */
export const partitionOf = (taskId: string, partitions: number = limits.partitions): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < taskId.length; i++) hash = Math.imul(hash ^ taskId.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions;
};
