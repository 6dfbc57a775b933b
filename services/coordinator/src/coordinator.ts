// A coordinator, put together: members and partitions, the loop that stores, the doors.
import type { Running } from '@capstan/bus';
import { canonical, openArchive, sha256 } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import { newDeserted } from './deserted.ts';
import { heedAdvisories } from './advisories.ts';
import { actorPerformer } from './actors/perform.ts';
import { showActor } from './actors/show.ts';
import { alarms } from './alarms.ts';
import { serveApi } from './api/index.ts';
import { broker as openBroker } from './broker.ts';
import { admission } from './doors/admit.ts';
import { openPlainDoor } from './doors/plain.ts';
import { keepHouse } from './housekeeping.ts';
import { everywhere } from './lists/everywhere.ts';
import { joinMembers } from './members.ts';
import { fenced, newMembership } from './membership.ts';
import { ownership as newOwnership } from './ownership.ts';
import { performer } from './perform.ts';
import { references as newReferences } from './references.ts';
import { tasks as newTasks } from './tasks.ts';
import { takeBackOrders } from './take-back.ts';
import { turnstile } from './turnstile.ts';
import type { Surroundings, World } from './world.ts';

export interface Coordinator {
  /** Takes no more, hands over, stores everything. */
  stop(): Promise<void>;
}

export const startCoordinator = async (around: Surroundings): Promise<Coordinator> => {
  const { clock, names } = around;
  const membership = newMembership(clock, around.rules);
  const archive = openArchive(around.bus, {
    partitions: around.partitions,
    // Well below the time after which what is archived is purged from the log.
    freshMs: Math.min(limits.archiveFreshMs, around.keeping.orderNameMs / 4),
    now: () => clock.now(),
  });
  const world: World = { ...around, membership, archive, bus: fenced(around.bus, membership) };
  const { bus } = world;
  const references = newReferences(world);
  const settingsHash = sha256(canonical(world.settings)).slice(0, 32);
  await references.keep(settingsHash, world.settings);

  const broker = await openBroker(world);
  const bells = alarms(clock);
  const admit = admission(world, broker, settingsHash);
  const gate = turnstile(world, (queue) => broker.capacity(queue));
  await gate.circuits.load();
  const deserted = newDeserted(world, broker);
  const ownership = newOwnership(world, {
    references,
    performer: performer(world, bells, broker, gate, deserted),
    turnstile: gate,
    actors: actorPerformer({ world, alarms: bells, admit, shown: (actor) => showActor(world, gate, actor) }),
    alarms: bells,
  });
  membership.onLapse(() => {
    world.log.error(
      { ttl: limits.memberTtlMs },
      'out of touch for longer than a membership lives; dropping what is in memory',
    );
    ownership.drop();
  });
  let opening = Promise.resolve();
  const members = await joinMembers(world, (mine) => {
    opening = ownership.own(mine);
  });
  // Whoever asks before is answered by nobody yet, and asks again.
  await opening;

  const lists = everywhere(world, ownership);
  const tasks = newTasks(world, ownership, gate, lists);
  const doors: Running[] = [
    ...Array.from({ length: world.partitions }, (_, partition) =>
      bus.listen(names.owner(partition), (wire) => {
        if (wire.reply === null || ownership.of(partition) === undefined) return;
        const { reply } = wire;
        tasks
          .answer(wire.data)
          .then((text) => bus.tell(reply, text))
          .catch((error: unknown) => world.log.error({ err: error }, 'an owner could not answer'));
      }),
    ),
    await openPlainDoor(world, admit),
    await serveApi({ world, tasks, lists, broker, admit }),
    await heedAdvisories(world, ownership),
    takeBackOrders(world, deserted, ownership),
  ];
  const house = keepHouse(world, ownership);
  // The server takes what one connection says in order: once it answers this, it knows of every door, and "ready" is true.
  await bus.log(names.streams.events).info();

  return {
    stop: async () => {
      await Promise.all(doors.map((door) => door.stop()));
      await house.stop();
      bells.stop();
      gate.stop();
      await ownership.release();
      await members.stop();
      await broker.stop();
    },
  };
};
