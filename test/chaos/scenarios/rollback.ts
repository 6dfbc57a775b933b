// A power cut, or a backup of yesterday: the log ends before the snapshots that were made of it. It is said loudly; what the log lost is lost; everything
// else, and everything new, goes on. The streams are audited before it, and after it for all but what the log lost: snapshots, orders and questions of
// that are there still, and follow from nothing any more.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { audit } from '../../integration/support/audit.ts';
import type { World } from '../../integration/support/world.ts';
import type { Load } from '../load.ts';
import { curtain, onStage } from '../stage.ts';
import type { Scenario } from './scenario.ts';

const endMs = 120_000;

export const rollback: Scenario = {
  name: 'rollback',
  weight: 1,
  run: ({ counts, seed }) =>
    onStage({ counts, seed }, async (stage) => {
      const { world, troupe } = stage;
      const events = join(world.server.dir, 'data', 'jetstream', '$G', 'streams', world.names.streams.events);
      const kept = join(world.server.dir, 'kept');

      const before = stage.load({ tasksMax: 60 });
      await world.eventAt(300);
      const violations = await curtain(stage, before);
      await world.server.kill();
      await cp(events, kept, { recursive: true });
      await world.server.start();
      counts.server += 1;
      await troupe.calm();

      const lost = stage.load({ tasksMax: 60 });
      await world.eventAt(world.lastEvent() + 300);
      await lost.stop();
      await world.allEnded(lost.ids, endMs);
      await world.checkpointed(lost.ids, endMs);
      await troupe.end();
      await world.server.kill();
      await rm(events, { recursive: true });
      await cp(kept, events, { recursive: true });
      await world.server.start();
      counts.server += 1;
      await troupe.calm();

      const after = stage.load({ tasksMax: 60 });
      await world.eventAt((await world.bus.log(world.names.streams.events).info()).last);
      await after.stop();
      await world.allEnded(after.ids, endMs);
      const said = troupe.players.some(({ process }) =>
        process?.log.some(({ msg }) => /the log .*rolled back/.test(msg)),
      );
      for (const id of [...before.waiting, ...after.waiting])
        await world.stored(id, 'it waits for a person', ({ status }) => status.startsWith('awaiting_'), endMs);
      await world.emptied(endMs);
      await world.checkpointed([...after.ids, ...after.waiting], endMs);
      await troupe.stop();
      if (!said) violations.push('the log was rolled back behind its checkpoints, and nobody said so');
      return [...violations, ...(await auditOf(world, [before, after]))];
    }),
};

/** Sentences about these alone; what is wrong with a task names it. */
const auditOf = async (world: World, loads: readonly Load[]): Promise<string[]> => {
  const waiting = new Set(loads.flatMap((load) => [...load.waiting]));
  const accepted = [...loads.flatMap(({ ids }) => ids), ...waiting];
  const { violations } = await audit(world.bus, accepted, waiting, { killedOften: true });
  return violations.filter((text) => accepted.some((id) => text.includes(id)));
};
