// Circuits: how they stand, and closing one by hand. None is listed of which nobody ever said that something failed.
import { partitionOf } from '@capstan/bus';
import { actorKindOf, circuitAct, circuitList } from '@capstan/contracts';
import type { BreakerState } from '@capstan/engine';
import { sayOfActor } from '../actors/say.ts';
import { covers, loadActor, loadActors, mustBeReadable } from '../actors/store.ts';
import { readBody } from '../doors/read-body.ts';
import { Refusal } from '../doors/refusal.ts';
import type { World } from '../world.ts';
import { type Endpoint, endpoint, pageOf } from './endpoint.ts';
import { mustGoOn } from './standing-still.ts';

const when = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

const shown = (id: string, state: BreakerState) => ({
  id,
  of: state.of,
  name: state.name,
  circuit: state.circuit,
  failures: state.failures,
  opens_at: state.limit,
  recovery_ms: state.recoveryMs,
  trips: state.trips,
  opened_at: when(state.openedAt),
  retry_at: when(state.retryAt),
  last_failure:
    state.last === null
      ? null
      : { code: state.last.code, message: state.last.message, task_id: state.last.task, at: when(state.last.at) },
});

const list = endpoint('circuit', 'list', async ({ world }, data) => {
  const { value: asked } = readBody(data, circuitList);
  const all = mustBeReadable(world, await loadActors(world, { kind: 'breaker' }))
    .map(({ id, state }) => shown(id, state as BreakerState))
    .filter(({ last_failure: last }) => last !== null)
    .filter(({ circuit }) => asked.circuit === undefined || circuit === asked.circuit)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { items, cursor } = pageOf(all, ({ id }) => id, asked);
  return { circuits: items, cursor, total: all.length };
});

const reset = endpoint('circuit', 'reset', async ({ world }, data) => {
  const { value: asked } = readBody(data, circuitAct);
  if (actorKindOf(asked.id) !== 'breaker' || !(await heardOf(world, asked.id)))
    throw new Refusal('not_found', `There is no circuit "${asked.id}".`, {
      hint: 'capstan circuits shows those that there are.',
    });
  await mustGoOn(world, asked.id, `Circuit "${asked.id}"`);
  const { seq } = await sayOfActor(world, asked.id, ['reset', world.newId()], { by: asked.by ?? 'somebody' });
  await covers(world, asked.id, seq);
  await mustGoOn(world, asked.id, `Circuit "${asked.id}"`);
  return { id: asked.id, circuit: 'closed' };
});

/** Its snapshot follows a moment later: whoever was just told of an open circuit can close it. */
const heardOf = async (world: World, id: string): Promise<boolean> =>
  (await loadActor(world, id)) !== null ||
  (await world.bus
    .log(world.names.streams.events)
    .last(world.names.eventsOfTask(partitionOf(id, world.partitions), id))) !== null;

export const circuitEndpoints: readonly Endpoint[] = [list, reset];
