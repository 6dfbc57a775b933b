// Closing a circuit by hand, where nobody has stored yet what its log says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, keyRingOf, memoryBus, newKeys } from '@capstan/bus';
import { sayOfActor } from '../actors/say.ts';
import type { World } from '../world.ts';
import { circuitEndpoints } from './circuit.ts';
import type { ApiContext } from './endpoint.ts';

const id = '_breaker-queue-worker';

test('a circuit of which only the log knows so far can be closed; one that nobody ever heard of can not', async () => {
  await using bus = memoryBus(new Broker());
  const world = {
    bus,
    names: bus.names,
    ring: keyRingOf(newKeys()),
    partitions: 8,
    newId: () => 'one',
    membership: { term: 0 },
    log: { warn: () => {} },
    clock: { now: () => 0, later: (_: number, act: () => void) => (queueMicrotask(act), () => {}) },
  } as unknown as World;
  const reset = () =>
    circuitEndpoints
      .find(({ verb }) => verb === 'reset')
      ?.run({ world } as ApiContext, Buffer.from(JSON.stringify({ id })));

  await assert.rejects(async () => reset(), { code: 'not_found' });
  await sayOfActor(world, id, ['failed', 't', 'a', 1], { code: 'broken' });
  assert.deepEqual(await reset(), { id, circuit: 'closed' });
});
