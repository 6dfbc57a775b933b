// A power cut, or a backup of yesterday: the log ends before the snapshots that were made of it. It is said loudly; what the log lost is lost; everything
// else, and everything new, goes on.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onStage } from '../stage.ts';
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
      await before.stop();
      await world.allEnded(before.ids, endMs);
      await world.checkpointed(before.ids, endMs);
      await world.server.kill();
      await cp(events, kept, { recursive: true });
      await world.server.start();
      counts.server += 1;

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
      await troupe.stop();
      return said ? [] : ['the log was rolled back behind its checkpoints, and nobody said so'];
    }),
};
