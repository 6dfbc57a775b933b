// A schedule submits its task, through the same admission as everybody. What is refused is put aside where a person finds it, and the schedule hears why.
import { bury, partitionOf } from '@capstan/bus';
import type { ActorEffect } from '@capstan/engine';
import type { Admit } from '../doors/admit.ts';
import { Refusal } from '../doors/refusal.ts';
import { untilStored } from '../say.ts';
import type { World } from '../world.ts';
import { sayOfActor } from './say.ts';

export const submitFor = async (
  world: World,
  admit: Admit,
  id: string,
  { request, due }: Extract<ActorEffect, { kind: 'submit' }>,
): Promise<void> => {
  const data = Buffer.from(JSON.stringify(request));
  const task = request['task_id'] as string;
  const { names } = world;
  const log = world.bus.log(names.streams.events);
  const at = { submitted: partitionOf(task, world.partitions), refused: partitionOf(id, world.partitions) };
  // Whoever had this actor before may have been refused, and said so since: then it is not tried once more.
  const before = `${names.event(at.refused, id, 'refused', task)}.*`;
  if ((await untilStored(world, () => log.last(before))) !== null) return;
  const refusal = await untilStored(world, () => taken(admit, data, task, id));
  if (refusal === null) return;
  // Or the other way round: whoever has it now was let in meanwhile.
  const begun = names.event(at.submitted, task, 'submitted', '*');
  if ((await untilStored(world, () => log.last(begun))) !== null) return;
  world.log.warn({ actor: id, task }, `a scheduled task was refused: ${refusal.message}`);
  await untilStored(world, () =>
    bury(world.bus, {
      source: 'coordinator',
      reason: refusal.reason,
      error: refusal.message,
      hint: 'Mend the task of the schedule with: capstan schedule put',
      attempts: 1,
      at: due,
      task,
      message: { subject: world.names.submit(), data, stream: world.names.streams.tasks },
      identity: `${id} ${due}`,
    }),
  );
  await untilStored(world, () =>
    sayOfActor(world, id, ['refused', task], { reason: refusal.message.slice(0, 512) }, begun),
  );
};

/** Null once it is stored; throws where that is to be tried again. */
const taken = async (admit: Admit, data: Uint8Array, task: string, listener: string): Promise<Refusal | null> => {
  try {
    await admit({ data, madeUpId: task, listeners: [listener] });
    return null;
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'unavailable') return error;
    throw error;
  }
};
