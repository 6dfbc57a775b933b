// Rules: what waits behind a quota of running steps, or behind a circuit, goes on by turns like what waits for its queue: the most urgent first, and
// tenants one after the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { levelOf, type Waiting } from '@capstan/engine';
import type { Actor } from './actor.ts';
import { openCircuits } from './circuits.ts';
import { openRunning } from './running.ts';
import type { World } from './world.ts';

interface Named extends Waiting {
  readonly name: string;
}

const held = (name: string, priority: string, since: number, tenant = 'acme'): Named => ({
  ...{ name, level: levelOf(priority), tenant, requester: 'bob', since },
});

/** A world in which nothing happens by itself. */
const still = (): { world: World; clock: { at: number } } => {
  const clock = { at: 1_000 };
  const world = {
    settings: { quotas: { tenant: { running_steps: 1 } } },
    ...{ names: { running: 'running', circuit: 'circuit' }, member: 'me', rules: 99, log: { warn: () => {} } },
    clock: { now: () => clock.at, later: () => () => {} },
    bus: { listen: () => {}, tell: () => {} },
  };
  return { world: world as unknown as World, clock };
};

test('behind a quota the most urgent goes first, and what waited long before that', () => {
  const { world, clock } = still();
  const went: string[] = [];
  const running = openRunning<Named>(world, ({ name }) => went.push(name));
  const actor = { id: 't', state: { request: { tenant: 'acme' } } } as unknown as Actor;
  running.began(actor, 's', 1);
  const key = running.full(actor) as string;
  for (let at = 0; at < 10; at += 1) running.wait(key, held(`low${at}`, 'low', 1_000 + at));
  running.wait(key, held('urgent', 'urgent', 1_100));
  running.leave(key, held('nobody', 'low', 0));
  running.forget('t');
  assert.deepEqual(went, ['urgent']);
  clock.at = 200_000;
  running.wait(key, held('late', 'urgent', 199_000));
  running.beat();
  assert.deepEqual(went, ['urgent', 'low0']);
});

test('behind a circuit the most urgent is its trial, and tenants take turns once it is closed', () => {
  const { world } = still();
  const went: string[] = [];
  const circuits = openCircuits<Named>(world, ({ name }) => went.push(name));
  const show = (seq: number, circuit: string, failures: number) =>
    circuits.show({
      ...{ id: '_breaker-queue-worker', seq, rules: 1 },
      state: { circuit, failures, of: 'queue', name: 'worker', recoveryMs: 1_000, codes: [] } as never,
    });
  show(1, 'open', 2);
  for (let at = 0; at < 3; at += 1) circuits.wait('_breaker-queue-worker', held(`many${at}`, 'normal', at));
  circuits.wait('_breaker-queue-worker', held('few', 'normal', 10, 'other'));
  circuits.wait('_breaker-queue-worker', held('urgent', 'urgent', 20));
  show(2, 'half_open', 2);
  assert.deepEqual(went, ['urgent']);
  show(3, 'closed', 0);
  assert.deepEqual(went.slice(0, 2).concat(went.slice(2).toSorted()), ['urgent', 'few', 'many0', 'many1', 'many2']);
});
