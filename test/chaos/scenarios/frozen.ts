// A coordinator and an executor stand still for longer than every lease lasts, and then go on as if nothing had been.
import { limits } from '@capstan/contracts';
import type { LogLine } from '../../integration/support/coordinator.ts';
import { curtain, onStage } from '../stage.ts';
import type { Player } from '../troupe.ts';
import type { Scenario } from './scenario.ts';

const patienceMs = 60_000;

const fromNowOn = async (player: Player, what: string, test: (line: LogLine) => boolean): Promise<void> => {
  const log = player.process?.log ?? [];
  const said = log.length;
  await player.process?.logged(what, (line) => test(line) && log.indexOf(line) >= said, patienceMs);
};

export const frozen: Scenario = {
  name: 'frozen',
  weight: 1,
  run: ({ counts, seed }) =>
    onStage({ counts, seed }, async (stage) => {
      const { world, troupe } = stage;
      const load = stage.load();
      const [c1, c2, e1] = [troupe.player('c1'), troupe.player('c2'), troupe.player('e1')];
      await world.eventAt(200);
      const inherited = fromNowOn(c2, 'that it owns all', ({ owned }) => owned === limits.partitions);
      c1.signal('SIGSTOP');
      e1.signal('SIGSTOP');
      await inherited;
      await world.eventAt(world.lastEvent() + 100);
      const shared = fromNowOn(c2, 'that it shares again', ({ lost }) => Number(lost) > 0);
      c1.signal('SIGCONT');
      e1.signal('SIGCONT');
      await shared;
      await world.eventAt(world.lastEvent() + 100);
      return curtain(stage, load);
    }),
};
