// Which coordinators there are, and who of them owns which partition. Ownership is for speed; that two may both believe they own one costs
// work and never truth.
import { sha256 } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import type { World } from './world.ts';

export interface Members {
  /** The partitions that are this member's, by rendezvous hashing: when somebody joins or leaves, only what must moves. */
  mine(): number[];
  readonly names: string[];
  stop(): Promise<void>;
}

export const joinMembers = async (world: World, onChange: () => void): Promise<Members> => {
  const store = world.bus.store(world.names.buckets.members);
  const seen = new Map<string, number>();
  const beat = async () => {
    await store.set({ key: world.member, data: JSON.stringify({ v: 1, at: new Date(world.clock.now()).toISOString() }), expect: null });
    seen.set(world.member, world.clock.now());
  };
  await beat();

  let shown = '';
  const look = () => {
    const oldest = world.clock.now() - limits.memberTtlMs;
    for (const [member, at] of seen) if (at < oldest && member !== world.member) seen.delete(member);
    const now = [...seen.keys()].toSorted().join(' ');
    if (now === shown) return;
    shown = now;
    world.log.info({ members: [...seen.keys()] }, 'the coordinators are now these');
    onChange();
  };
  const watching = await store.watch((entry) => {
    if (entry.gone) seen.delete(entry.key);
    else seen.set(entry.key, world.clock.now());
    if (shown !== '') look();
  }, look);
  const beating = world.clock.every(limits.memberBeatMs, () => {
    // A renewal that failed is no loss yet: the record lives for some more of them.
    beat().catch((error: unknown) => world.log.warn({ err: error }, 'the membership could not be renewed'));
    look();
  });

  return {
    get names() {
      return [...seen.keys()];
    },
    mine: () => Array.from({ length: world.partitions }, (_, partition) => partition).filter((partition) => ownerOf(partition, [...seen.keys()]) === world.member),
    stop: async () => {
      beating();
      await watching.stop();
      await store.remove(world.member);
    },
  };
};

export const ownerOf = (partition: number, members: readonly string[]): string | undefined =>
  members.map((member) => ({ member, weight: sha256(`${member} ${partition}`) })).toSorted((a, b) => (a.weight < b.weight ? 1 : -1))[0]?.member;
