// Two coordinators that both believe they own every partition: each is told that the other's membership is its own. They decide everything twice, and
// write over each other; that costs work and never truth.
import { setTimeout as sleep } from 'node:timers/promises';
import { limits, namesOf } from '@capstan/contracts';
import type { Frame } from '../frames.ts';
import { curtain, onStage } from '../stage.ts';
import type { Scenario } from './scenario.ts';

const members = `$KV.${namesOf().buckets.members}.`;
const patienceMs = 60_000;

/** Both names have as many letters, so nothing else of the message changes. */
const renamed =
  (from: string, to: string) =>
  (frame: Frame, direction: 'up' | 'down'): Buffer => {
    if (direction === 'up' || frame.subject !== members + from) return frame.bytes;
    return Buffer.from(frame.bytes.toString('latin1').replace(members + from, members + to), 'latin1');
  };

export const owners: Scenario = {
  name: 'owners',
  weight: 1,
  run: ({ counts, seed, seconds }) =>
    onStage({ counts, seed }, async (stage) => {
      const { troupe, proxies } = stage;
      proxies.get('c1')?.edit(renamed('c2', 'c1'));
      proxies.get('c2')?.edit(renamed('c1', 'c2'));
      await troupe.calm();
      const load = stage.load();
      for (const instance of ['c1', 'c2'])
        await troupe
          .player(instance)
          .process?.logged('that it owns all', ({ owned }) => owned === limits.partitions, patienceMs);
      await sleep(seconds * 500);
      for (const proxy of proxies.values()) proxy.edit(null);
      return curtain(stage, load);
    }),
};
