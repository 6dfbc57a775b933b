// Beginning a task, once under its id. The token is part of a name and follows from the key that is current: after a change of keys the same id
// would have another name, so the server is asked to look under the id, whatever the token.
import { partitionOf, type Said } from '@capstan/bus';
import type { SubmittedBody } from '@capstan/contracts';
import { eventSubject } from './say.ts';
import { submissionOf } from './submission-of.ts';
import type { World } from './world.ts';

export const saySubmitted = async (world: World, task: string, body: SubmittedBody): Promise<Said> => {
  const { bus, names } = world;
  const { subject } = eventSubject(world, task, body.key, 'submitted');
  const data = JSON.stringify(body);
  const unless = names.event(partitionOf(task, world.partitions), task, 'submitted', '*');
  // Its events are purged, so that the log does not know the name any more; who asks again is to hear of the same task.
  if (await world.archive.mayHaveAlone(task)) return { seq: 0, again: true };
  const said = await bus.once({ subject, data, unless });
  // What a stranger planted under the id must not keep its owner out: then the name alone decides.
  return said.again && (await submissionOf(world, task)) === null ? bus.once({ subject, data }) : said;
};
