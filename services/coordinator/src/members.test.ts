// Leaving: whoever has gone must not be counted among the coordinators any more, or nobody works on what would be its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, memoryBus, type Store } from '@capstan/bus';
import { joinMembers } from './members.ts';
import { newMembership } from './membership.ts';
import type { World } from './world.ts';

test('a renewal that is still on its way when a coordinator leaves does not bring it back', async (t) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  const members = bus.store(bus.names.buckets.members);
  const arrives = Promise.withResolvers<void>();
  const isSaid = Promise.withResolvers<void>();
  let sets = 0;
  const slow: Store = {
    ...members,
    set: async (change) => {
      sets += 1;
      if (sets > 1) {
        isSaid.resolve();
        await arrives.promise;
      }
      return members.set(change);
    },
  };
  let beat = () => {};
  const clock = {
    now: () => 1_000,
    later: () => () => {},
    every: (_: number, act: () => void) => ((beat = act), () => {}),
  };
  const membership = newMembership(clock, 1);
  const world = {
    ...{ clock, membership, member: 'm1', rules: 1, partitions: 4 },
    ...{ names: bus.names, bus: { ...bus, store: () => slow }, log: { info: () => {}, warn: () => {} } },
  } as unknown as World;

  const joined = await joinMembers(world, () => {});
  beat();
  await isSaid.promise;
  const left = joined.stop();
  arrives.resolve();
  await left;
  assert.equal((await members.get('m1'))?.gone ?? true, true);
  membership.fallBehind(2);
  assert.equal(sets, 2, 'and nothing is said after that');
});
