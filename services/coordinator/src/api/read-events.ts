// The events of one task, as the log holds them.
import { decodeAny, type Message, partitionOf, wholeHistory } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import { type Heard, hear, isGenuine } from '../hear.ts';
import { readNow } from '../read-now.ts';
import type { World } from '../world.ts';

/** The first so many of them. */
export const messagesOf = async (world: World, task: string): Promise<Message[]> => {
  const messages: Message[] = [];
  const subjects = [world.names.eventsOfTask(partitionOf(task, world.partitions), task)];
  await readNow(
    world,
    { subjects, after: 0 },
    (message) => messages.length < limits.eventsListMax && messages.push(message) > 0,
  );
  const whole = await wholeHistory(messages, async () =>
    (await world.archive.holds(task)) ? world.archive.find(task) : null,
  );
  return whole.slice(0, limits.eventsListMax);
};

/** Anybody who may write events may have written anything; what is no JSON is left out, and its bytes stay in the log. */
export const bodyOf = (message: Message): unknown => {
  const decoded = decodeAny(message.data, { bytesMax: 2 * limits.bodyBytesMax, depthMax: limits.jsonDepthMax + 8 });
  return decoded.ok ? decoded.value : null;
};

/** Those that were said by whoever may. */
export const genuineOf = async (world: World, task: string, key: string): Promise<Heard[]> =>
  (await messagesOf(world, task)).flatMap((message) => {
    const heard = hear(world, message);
    return heard !== null && isGenuine(world, heard, key) ? [heard] : [];
  });
