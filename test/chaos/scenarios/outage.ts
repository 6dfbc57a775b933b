// The server is away for longer than any question waits for its answer. Nobody may end of that: whoever is there goes on where it stood.
import { setTimeout as sleep } from 'node:timers/promises';
import { curtain, onStage } from '../stage.ts';
import type { Scenario } from './scenario.ts';

const awayMs = 50_000;

export const outage: Scenario = {
  name: 'outage',
  weight: 1,
  run: ({ counts, seed }) =>
    onStage({ counts, seed, proxied: false }, async (stage) => {
      const { world, troupe } = stage;
      const load = stage.load({ clients: 6 });
      await world.eventAt(200);
      const before = troupe.players.map(({ process }) => process);
      await world.server.kill();
      counts.server += 1;
      await sleep(awayMs);
      await world.server.start();
      await world.eventAt(world.lastEvent() + 100, 120_000);
      const ended = troupe.players.filter(({ process }, at) => process !== before[at] || process?.alive() !== true);
      const violations = await curtain(stage, load);
      violations.push(...ended.map(({ instance }) => `${instance} ended while the server was away`));
      return violations;
    }),
};
