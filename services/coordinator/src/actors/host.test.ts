// Actors of a partition that somebody else has taken over.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, keyRingOf, type Message, memoryBus, newKeys, partitionOf } from '@capstan/bus';
import type { Ahead } from '../ahead.ts';
import { hear } from '../hear.ts';
import { Overtaken } from '../overtaken.ts';
import type { World } from '../world.ts';
import { openActors } from './host.ts';
import type { ActorPerformer } from './perform.ts';
import { sayOfActor } from './say.ts';

const id = '_breaker-queue-worker';

test('what somebody else has written over is stored no more, and nobody waits for it', async () => {
  await using bus = memoryBus(new Broker());
  let rounds = 0;
  const world = {
    bus,
    names: bus.names,
    ring: keyRingOf(newKeys()),
    partitions: 8,
    rules: 1,
    membership: { term: 0, rules: 1 },
    counts: { events: 0 },
    log: { info: () => {}, warn: () => {} },
    clock: {
      now: Date.now,
      later: (_: number, act: () => void) => {
        assert.ok((rounds += 1) < 50, 'it goes round in circles');
        setImmediate(act);
        return () => {};
      },
    },
  } as unknown as World;
  const errors: Error[] = [];
  const actors = await openActors(
    {
      world,
      actors: { perform: () => {}, forget: () => {} } as unknown as ActorPerformer,
      ahead: { meets: () => false } as unknown as Ahead,
      overtaken: (error) => void errors.push(error),
      failed: (_, error) => assert.fail(String(error)),
    },
    partitionOf(id, world.partitions),
  );
  await sayOfActor(world, id, ['failed', 't', 'a', 1], { code: 'broken' });
  const message = Promise.withResolvers<Message>();
  const reading = await bus.log(bus.names.streams.events).read({ after: 0, on: message.resolve });
  const heard = hear(world, await message.promise);
  await reading.stop();
  assert.ok(heard !== null);
  const key = `_actor.breaker.${partitionOf(id, world.partitions)}.${id}`;
  await bus.store(bus.names.buckets.tasks).set({ key, data: '{"v":1,"of":"another"}', expect: 0 });
  actors.hear(heard);
  await actors.settle();
  assert.ok(errors[0] instanceof Overtaken);
  assert.equal(errors.length, 1);
  assert.equal(actors.uncovered()?.seq, heard.message.seq, 'its event is still to be covered, by whoever has it now');
});
