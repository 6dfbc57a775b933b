// What is stored of tasks that should have ended and have not, for whoever looks for the fault: their events, orders, snapshot, and place on the
// list of open tasks.
import { partitionOf, textOf } from '@capstan/bus';
import { isEnded, type TaskRecord } from '@capstan/contracts';
import { readAll } from '../integration/support/replay.ts';
import type { World } from '../integration/support/world.ts';
import type { Troupe } from './troupe.ts';

const tasksMax = 3;
const linesMax = 12;

export const autopsy = async (world: World, troupe: Troupe, ids: readonly string[]): Promise<string> => {
  const text = (key: string) => textOf(world.entries.get(key)?.data ?? new Uint8Array());
  const stuck = ids.filter((id) => text(id) === '' || !isEnded((JSON.parse(text(id)) as TaskRecord).status));
  const [events, orders] = await Promise.all([
    readAll(world.bus, world.names.streams.events),
    readAll(world.bus, world.names.streams.orders),
  ]);
  const of = (all: typeof events, id: string) =>
    all
      .filter(({ subject }) => subject.split('.').includes(id))
      .map(({ seq, subject }) => `${seq} ${subject.split('.').slice(4).join('.').slice(0, 40)}`)
      .join(', ');
  const lines = stuck.slice(0, tasksMax).flatMap((id) => {
    const { status, seq, view } = JSON.parse(text(id) || '{}') as TaskRecord & { view?: object };
    const partition = partitionOf(id);
    const open = [...world.entries.keys()].find(
      (key) => key.startsWith(`_open.${partition}.`) && text(key).includes(id),
    );
    return [
      `${id}: ${status} at ${seq} ${JSON.stringify(view ?? null)}; partition ${partition}, checkpoint ${text(`_checkpoint.${partition}`)}`,
      `  ${open === undefined ? 'on no list of open tasks' : `open: ${JSON.stringify((JSON.parse(text(open)) as Record<string, unknown>)[id])}`}`,
      `  quarantine: ${text(world.names.quarantine(partition, id)) || 'none'}`,
      `  events: ${of(events, id)}`,
      `  orders: ${of(orders, id)}`,
    ];
  });
  for (const { instance, process } of troupe.players) {
    const said = (process?.log ?? []).filter(({ msg }) => !/plain door|^Failed/.test(msg)).slice(-linesMax);
    lines.push(`${instance} said last:`, ...said.map((line) => `  ${JSON.stringify(line).slice(0, 240)}`));
  }
  return lines.join('\n');
};
