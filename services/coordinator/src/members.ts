// Which coordinators there are, and who of them owns which partition. Ownership is for speed; that two may both believe they own one costs
// work and never truth.
import { type Running, sha256 } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import type { World } from './world.ts';

/**
 * Joins, and tells which partitions are this member's, by rendezvous hashing: when somebody joins or leaves, only what must moves. Told at once,
 * and again whenever it changes.
 */
export const joinMembers = async (world: World, onChange: (mine: number[]) => void): Promise<Running> => {
  const store = world.bus.store(world.names.buckets.members);
  const seen = new Map<string, number>();
  let shown = '';
  const beat = async () => {
    const sentAt = world.clock.now();
    await store.set({
      key: world.member,
      data: JSON.stringify({ v: 1, at: new Date(world.clock.now()).toISOString() }),
      expect: null,
    });
    seen.set(world.member, world.clock.now());
    if (!world.membership.renewed(sentAt)) return;
    // What the others said meanwhile was heard before this answer: it came on the same connection.
    shown = '';
    look();
  };
  const look = () => {
    // Whoever was out of touch knows nothing of the others, and would take all of theirs.
    if (!world.membership.isFresh()) return;
    const oldest = world.clock.now() - limits.memberTtlMs;
    for (const [member, at] of seen) if (at < oldest && member !== world.member) seen.delete(member);
    const now = [...seen.keys()].toSorted().join(' ');
    if (now === shown) return;
    shown = now;
    world.log.info({ members: [...seen.keys()] }, 'the coordinators are now these');
    onChange(partitionsOf(world, [...seen.keys()]));
  };
  await beat();

  let ready: () => void = () => {};
  const first = new Promise<void>((resolve) => (ready = resolve));
  const watching = await store.watch(
    (entry) => {
      if (entry.gone) seen.delete(entry.key);
      else seen.set(entry.key, world.clock.now());
      if (shown !== '') look();
    },
    () => {
      look();
      ready();
    },
  );
  await first;
  const beating = world.clock.every(limits.memberBeatMs, () => {
    // A renewal that failed is no loss yet: the record lives for some more of them.
    beat().catch((error: unknown) => world.log.warn({ err: error }, 'the membership could not be renewed'));
    look();
  });

  return {
    stop: async () => {
      beating();
      await watching.stop();
      await store.remove(world.member);
    },
  };
};

const partitionsOf = (world: World, members: readonly string[]): number[] =>
  Array.from({ length: world.partitions }, (_, partition) => partition).filter(
    (partition) => ownerOf(partition, members) === world.member,
  );

const ownerOf = (partition: number, members: readonly string[]): string | undefined =>
  members
    .map((member) => ({ member, weight: sha256(`${member} ${partition}`) }))
    .toSorted((a, b) => (a.weight < b.weight ? 1 : -1))[0]?.member;
