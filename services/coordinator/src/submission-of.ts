// The event that began a task. Anybody who may write events could write one beside it, under a token of their own making: only the genuine one
// counts, wherever it stands.
import { messagesIn, partitionOf } from '@capstan/bus';
import type { SubmittedBody } from '@capstan/contracts';
import { type Heard, hear, submittedFrom } from './hear.ts';
import { readNow } from './read-now.ts';
import type { World } from './world.ts';

export interface Began {
  readonly heard: Heard;
  readonly body: SubmittedBody;
}

/** Null where there is no such task. */
export const submissionOf = async (world: World, task: string): Promise<Began | null> => {
  const log = world.bus.log(world.names.streams.events);
  const subject = world.names.event(partitionOf(task, world.partitions), task, 'submitted', '*');
  const newest = await log.last(subject);
  if (newest === null) return archivedSubmission(world, task);
  const found = genuine(world, newest);
  if (found !== null) return found;

  // Somebody wrote after it: look at all of them, which costs more and is rare.
  const all: Began[] = [];
  await readNow(world, { subjects: [subject], after: 0 }, (message) => {
    const began = genuine(world, message);
    if (began !== null) all.push(began);
  });
  return all[0] ?? null;
};

/** Of a task that ended long ago, and whose events are purged. */
const archivedSubmission = async (world: World, task: string): Promise<Began | null> => {
  if (!(await world.archive.mayHaveAlone(task))) return null;
  const archived = await world.archive.find(task);
  for (const message of archived === null ? [] : messagesIn(archived)) {
    const began = genuine(world, message);
    if (began !== null) return began;
  }
  return null;
};

const genuine = (world: World, message: Parameters<typeof hear>[1]): Began | null => {
  const heard = hear(world, message);
  const body = heard === null ? null : submittedFrom(world, heard);
  return heard === null || body === null ? null : { heard, body };
};
