// Whether the log has room for a new task. The last fifth is for what runs: its reports, timers and cancels must still fit.
import { limits } from '@capstan/contracts';
import type { World } from '../world.ts';
import { Refusal } from './refusal.ts';

interface Room {
  at: number;
  /** As the log was when it was looked at. */
  bytes: number;
  bytesMax: number;
  /** What was admitted since then and is stored, and what is on its way: many may come within a second. */
  stored: number;
  onItsWay: number;
  looking: Promise<void> | null;
}

const rooms = new WeakMap<World, Room>();
/** Others write too, so a look is good for a while only. */
const lookEveryMs = 1_000;
/** What the event says beside the body that was sent, its subject, headers and the stream's own. */
const overheadBytes = 1_024;

/** Resolves with what is to be called once the task is stored, or is not. */
export const mustHaveRoom = async (world: World, data: number): Promise<() => void> => {
  let room = rooms.get(world);
  if (room === undefined)
    rooms.set(world, (room = { at: -Infinity, bytes: 0, bytesMax: 0, stored: 0, onItsWay: 0, looking: null }));
  const isOld = world.clock.now() - room.at > lookEveryMs;
  if (isOld || (isFull(room) && room.stored > 0)) await look(world, room);
  if (isFull(room))
    throw new Refusal(
      'unavailable',
      `The event log is filled to ${Math.floor((100 * room.bytes) / room.bytesMax)} % of ${room.bytesMax} bytes; what runs goes on, but no new task is taken.`,
      {
        hint: 'Ask again later, once ended tasks have been archived; or an operator gives the log more room (events_bytes_max of the coordinator), or keeps tasks for less long.',
      },
    );
  const bytes = data + overheadBytes;
  room.onItsWay += bytes;
  return () => {
    room.onItsWay -= bytes;
    room.stored += bytes;
  };
};

const isFull = ({ bytes, bytesMax, stored, onItsWay }: Room): boolean =>
  bytesMax > 0 && bytes + stored + onItsWay > bytesMax * limits.submitSpaceShare;

/** One look serves everybody who comes meanwhile. */
const look = (world: World, room: Room): Promise<void> =>
  (room.looking ??= lookNow(world, room).finally(() => (room.looking = null)));

const lookNow = async (world: World, room: Room): Promise<void> => {
  const before = room.stored;
  const { bytes, bytesMax } = await world.bus.log(world.names.streams.events).info();
  // What was stored meanwhile may be counted in both; it is never counted in neither.
  Object.assign(room, { at: world.clock.now(), bytes, bytesMax, stored: room.stored - before });
};
