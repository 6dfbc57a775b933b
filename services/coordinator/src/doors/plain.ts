// The plain door: a stored message is admitted or put aside, and only then let go.
import { bury, type Delivery, redriveHeader, type Running } from '@capstan/bus';
import type { World } from '../world.ts';
import type { Admit } from './admit.ts';
import { corpseOf } from './corpse.ts';
import { Refusal } from './refusal.ts';

export const openPlainDoor = (world: World, admit: Admit): Promise<Running> =>
  world.bus.takeTasks((delivery) => {
    void take(world, admit, delivery);
  });

const againMs = 5_000;

const take = async (world: World, admit: Admit, delivery: Delivery): Promise<void> => {
  try {
    const { task_id: task, created } = await admit({
      data: delivery.data,
      tenant: tenantIn(world, delivery.subject),
      madeUpId: idFor(delivery),
    });
    world.log.info({ task, created, seq: delivery.seq }, 'a task came through the plain door');
    await delivery.ack();
  } catch (error) {
    await refuse(world, delivery, error);
  }
};

const refuse = async (world: World, delivery: Delivery, error: unknown): Promise<void> => {
  try {
    if (!(error instanceof Refusal) || error.code === 'unavailable') throw error;
    const { id } = await bury(world.bus, {
      source: 'coordinator',
      reason: error.reason,
      error: `${error.message}${error.fields.length > 1 ? ` (and ${error.fields.length - 1} more)` : ''}`,
      attempts: delivery.deliveries,
      at: world.clock.now(),
      message: corpseOf(delivery, world.names.streams.tasks),
    });
    world.log.warn({ dlq: id, reason: error.reason, seq: delivery.seq }, `a task was refused: ${error.message}`);
    // Let go of it only now: before, a crash would have lost it.
    await delivery.ack();
  } catch (again) {
    world.log.warn({ err: again, seq: delivery.seq }, 'a task could be neither taken nor put aside; it comes again');
    delivery.later(againMs);
  }
};

/** The tenant that `capstan.task.submit.<tenant>` names. */
const tenantIn = (world: World, subject: string): string | undefined => {
  const door = world.names.submit();
  return subject.length > door.length ? subject.slice(door.length + 1) : undefined;
};

/** Made of what the stream will say again at each redelivery; a redriven message keeps the id that its dead letter gives it. */
const idFor = (delivery: Delivery): string => {
  const letter = delivery.header(redriveHeader);
  return letter !== undefined && /^[0-9a-f]{20}$/.test(letter)
    ? `r${letter}`
    : `t${delivery.seq}-${delivery.at.toString(36)}`;
};
