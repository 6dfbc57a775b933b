// Feeds that were stopped while one of them set out: it must not read on beside those that come after, which would pass over what it brings.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, type Log, memoryBus } from '@capstan/bus';
import { newFeeds } from './feeds.ts';
import type { World } from './world.ts';

const log = { info: () => {}, warn: () => {}, error: () => {} };

test('a feed that set out before all were stopped never reads', async (t) => {
  const broker = new Broker();
  t.after(() => broker.close());
  const bus = memoryBus(broker);
  let letGo: () => void = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const slow = (name: string): Log => {
    const of = bus.log(name);
    return { ...of, info: () => held.then(() => of.info()) };
  };
  const heard: number[] = [];
  const parts = {
    on: ({ message }: { message: { seq: number } }) => void heard.push(message.seq),
    onRollback: () => {},
    inTurn: () => {},
  };
  const world = { bus: { ...bus, log: slow }, names: bus.names, partitions: 1, log } as unknown as World;
  const feeds = newFeeds(world, parts);
  const adding = feeds.add([{ number: 0, after: 0 }]);
  await feeds.stop();
  letGo();
  await adding;
  const say = (nth: number) => bus.once({ subject: `${bus.names.event(0, 'task', 'woke', nth)}.token`, data: '{}' });
  const { seq } = await say(1);
  await feeds.add([{ number: 0, after: seq }]);
  await say(2);
  await say(3);
  await bus.log(bus.names.streams.events).info();
  assert.deepEqual(heard, [seq + 1, seq + 2]);
  await feeds.stop();
});
