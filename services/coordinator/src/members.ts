// Which coordinators there are, and who of them owns which partition. Ownership is for speed; that two may both believe they own one costs
// work and never truth.
import { type Running, sha256, textOf } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import type { World } from './world.ts';

interface Member {
  readonly name: string;
  readonly heardAt: number;
  /** The newest rules that it knows. */
  readonly rules: number;
  /** Partitions with tasks for a newer one. */
  readonly behind: readonly number[];
}

/**
 * Joins, and tells which partitions are this member's, by rendezvous hashing: when somebody joins or leaves, only what must moves. Told at once,
 * and again whenever it changes.
 */
export const joinMembers = async (world: World, onChange: (mine: number[]) => void): Promise<Running> => {
  const store = world.bus.store(world.names.buckets.members);
  const seen = new Map<string, Member>();
  let shown = '';
  const beat = async () => {
    const sentAt = world.clock.now();
    const said = { v: 1, at: new Date(sentAt).toISOString(), rules: world.rules, behind: [...world.membership.behind] };
    const data = JSON.stringify(said);
    await store.set({ key: world.member, data, expect: null });
    seen.set(world.member, memberFrom(world.member, data, world.clock.now()));
    if (!world.membership.renewed(sentAt)) return;
    // What the others said meanwhile was heard before this answer: it came on the same connection.
    shown = '';
    look();
  };
  const look = () => {
    // Whoever was out of touch knows nothing of the others, and would take all of theirs.
    if (!world.membership.isFresh()) return;
    const oldest = world.clock.now() - limits.memberTtlMs;
    for (const [name, { heardAt }] of seen) if (heardAt < oldest && name !== world.member) seen.delete(name);
    const all = [...seen.values()];
    world.membership.agreedOn(Math.min(...all.map(({ rules }) => rules)));
    const now = all
      .map(({ name, behind }) => [name, ...behind].join(','))
      .toSorted()
      .join(' ');
    if (now === shown) return;
    shown = now;
    world.log.info({ members: [...seen.keys()] }, 'the coordinators are now these');
    onChange(partitionsOf(world, all));
  };
  await beat();

  let ready: () => void = () => {};
  const first = new Promise<void>((resolve) => (ready = resolve));
  const watching = await store.watch(
    (entry) => {
      if (entry.gone) seen.delete(entry.key);
      else seen.set(entry.key, memberFrom(entry.key, textOf(entry.data), world.clock.now()));
      if (shown !== '') look();
    },
    () => {
      look();
      ready();
    },
  );
  await first;
  // A renewal that failed is no loss yet: the record lives for some more of them.
  const renewals = new Set<Promise<void>>();
  let hasLeft = false;
  const renew = () => {
    if (hasLeft) return;
    const renewal: Promise<void> = beat()
      .catch((error: unknown) => world.log.warn({ err: error }, 'the membership could not be renewed'))
      .finally(() => renewals.delete(renewal));
    renewals.add(renewal);
  };
  const beating = world.clock.every(limits.memberBeatMs, () => {
    renew();
    look();
  });
  world.membership.onBehind(renew);

  return {
    stop: async () => {
      hasLeft = true;
      beating();
      await watching.stop();
      // One that is stored after this member has left would keep its partitions from all others for as long as a membership lives.
      await Promise.all(renewals);
      await store.remove(world.member);
    },
  };
};

/** One that is older than this field knows the first rules. */
const memberFrom = (name: string, data: string, heardAt: number): Member => {
  const { rules = 1, behind = [] } = JSON.parse(data) as Partial<Member>;
  return { name, heardAt, rules, behind };
};

const partitionsOf = (world: World, members: readonly Member[]): number[] =>
  Array.from({ length: world.partitions }, (_, partition) => partition).filter(
    (partition) => ownerOf(partition, members) === world.member,
  );

/** Nobody who is behind, as long as somebody is not. */
const ownerOf = (partition: number, members: readonly Member[]): string | undefined => {
  const fit = members.filter(({ behind }) => !behind.includes(partition));
  return (fit.length > 0 ? fit : members)
    .map(({ name }) => ({ name, weight: sha256(`${name} ${partition}`) }))
    .toSorted((a, b) => (a.weight < b.weight ? 1 : -1))[0]?.name;
};
