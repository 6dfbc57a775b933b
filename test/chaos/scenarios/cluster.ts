// A cluster of three with three copies of everything loses the leader of its events, of its orders and of its tasks, one after the other.
import type { NatsBus } from '@capstan/bus';
import { startCluster, type Cluster } from '../cluster.ts';
import { curtain, onStage } from '../stage.ts';
import type { Scenario } from './scenario.ts';

export const cluster: Scenario = {
  name: 'cluster',
  weight: 1,
  run: async ({ counts, seed }) => {
    let servers: Cluster | null = null;
    const start = async () => (servers = await startCluster());
    return onStage(
      {
        counts,
        seed,
        proxied: false,
        world: { start, replicas: 3 },
        troupe: { env: { CAPSTAN_REPLICAS: '3' } },
      },
      async (stage) => {
        const { world, random } = stage;
        const { names } = world;
        const load = stage.load({ clients: 6 });
        for (const stream of [names.streams.events, names.streams.orders, `KV_${names.buckets.tasks}`]) {
          await world.eventAt(world.lastEvent() + 100);
          await servers?.killLeader(world.bus as NatsBus, stream, 500 + random(3_000));
          counts.server += 1;
        }
        return curtain(stage, load);
      },
    );
  },
};
