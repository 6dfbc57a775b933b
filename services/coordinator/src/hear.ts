// From a stored message to an event that the engine can hear: its token is checked, its body parsed, what it refers to is loaded.
import { decode, decodeTrusted, type Message } from '@capstan/bus';
import { type Event, limits, parseEventSubject, type SubmittedBody } from '@capstan/contracts';
import { eventOf } from '@capstan/engine';
import type { World } from './world.ts';

export interface Heard {
  readonly partition: number;
  readonly task: string;
  readonly kind: string;
  readonly name: readonly string[];
  readonly token: string;
  readonly message: Message;
}

export const hear = (world: World, message: Message): Heard | null => {
  const parsed = parseEventSubject(world.names, message.subject);
  return parsed === null ? null : { ...parsed, message };
};

/** Whether whoever said it was told where to say it. */
export const isGenuine = (world: World, heard: Heard, key: string): boolean => {
  const { subject } = heard.message;
  return world.ring.check(key, subject.slice(0, subject.length - heard.token.length - 1), heard.token);
};

/** A genuine event of a task that exists; a string says why it is none. */
export const eventFrom = (world: World, heard: Heard): Event | string => {
  const { task, kind, name, message } = heard;
  const { seq, at, data } = message;
  if (kind !== 'report')
    return eventOf(world.names, { task, kind, name, seq, at, body: decodeTrusted(data), bytes: data.length });
  const decoded = decode(data);
  if (!decoded.ok) return `${decoded.reason}: ${decoded.message}`;
  return eventOf(world.names, { task, kind, name, seq, at, body: decoded.value, bytes: data.length });
};

/** The body of a `submitted` that is genuine, else null: its own key id says which key made its token. */
export const submittedFrom = (world: World, heard: Heard): SubmittedBody | null => {
  const decoded = decode(heard.message.data, { bytesMax: 2 * limits.bodyBytesMax, depthMax: limits.jsonDepthMax + 8 });
  if (!decoded.ok || typeof decoded.value['key'] !== 'string' || !isGenuine(world, heard, decoded.value['key']))
    return null;
  return decoded.value as unknown as SubmittedBody;
};
