// Rules: specialists first, others as soon as those are full, also between two words of an agent; and a step whose time is limited waits least.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestQueue, newRouted, type SeenAgent } from './best-queue.ts';

const agent = (queue: string, more: Partial<SeenAgent>): SeenAgent => ({
  ...{ v: 1, queue, instance: 'x', capabilities: ['bake'], concurrency: 2, busy: 0, seen_at: 10_000 },
  ...more,
});
const all = ['bake', 'cook', 'fry'];
const fill = (agents: readonly SeenAgent[], steps: number, isHurried = false, now = 10_100) => {
  const routed = newRouted();
  const got: Record<string, number> = {};
  for (let step = 0; step < steps; step += 1) {
    const queue = bestQueue(agents, routed, isHurried);
    routed.add(queue, now);
    got[queue] = (got[queue] ?? 0) + 1;
  }
  return got;
};

test('of many that come at once specialists get what they have room for, and others the rest', () => {
  const agents = [agent('bakers', {}), agent('cooks', { capabilities: all, concurrency: 20 })];
  assert.deepEqual(fill(agents, 20), { bakers: 2, cooks: 18 });
});

test('beyond all room each gets as much as it can do in the same time', () => {
  const agents = [agent('bakers', {}), agent('cooks', { capabilities: all, concurrency: 20 })];
  assert.deepEqual(fill(agents, 66), { bakers: 6, cooks: 60 });
});

test('what was routed before its agent spoke is in what it says', () => {
  const agents = [agent('bakers', { seen_at: 20_000 }), agent('cooks', { capabilities: all })];
  const routed = newRouted();
  routed.add('bakers', 19_000);
  routed.add('bakers', 19_000);
  assert.equal(bestQueue(agents, routed, false), 'bakers');
  routed.add('bakers', 19_900);
  routed.add('bakers', 20_100);
  assert.equal(bestQueue(agents, routed, false), 'cooks');
});

test('a step whose time is limited goes where it is soonest its turn, others to whoever is well', () => {
  const routed = newRouted();
  const agents = [
    agent('bakers', { busy: 2 }),
    agent('cooks', { capabilities: all, busy: 2, concurrency: 2, health: 'degraded' }),
  ];
  assert.equal(bestQueue(agents, routed, true), 'bakers', 'where both would wait as long');
  for (let step = 0; step < 2; step += 1) routed.add('bakers', 10_100);
  assert.deepEqual([bestQueue(agents, routed, false), bestQueue(agents, routed, true)], ['bakers', 'cooks']);
});

test('a step whose time is limited takes room now before a specialist without', () => {
  const agents = [agent('bakers', { busy: 2 }), agent('cooks', { capabilities: all, health: 'degraded' })];
  assert.equal(bestQueue(agents, newRouted(), true), 'cooks');
});
