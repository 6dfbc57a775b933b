// What every part of the coordinator is given.
import type { Archive, Bus, KeyRing } from '@capstan/bus';
import type { Names, Settings } from '@capstan/contracts';
import type { Clock } from './clock.ts';
import type { Keeping } from './keeping.ts';
import type { Membership } from './membership.ts';

export interface Log {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** What is counted since the start; `nats request '$SRV.STATS.capstan'` shows it. */
export interface Counts {
  events: number;
  ignored: number;
  /** Events whose token or partition was wrong. */
  forged: number;
  /** Events of tasks that nobody knows. */
  orphaned: number;
  snapshots: number;
  checkpoints: number;
  loads: number;
  quarantined: number;
}

/** What a process gives to a coordinator. */
export type Surroundings = Omit<World, 'membership' | 'archive'>;

export interface World {
  readonly membership: Membership;
  /** Tasks that ended long ago. */
  readonly archive: Archive;
  readonly bus: Bus;
  readonly names: Names;
  readonly ring: KeyRing;
  readonly clock: Clock;
  /** An id that nobody else has. */
  newId(): string;
  readonly log: Log;
  readonly counts: Counts;
  readonly member: string;
  /** The newest rules that this process knows. */
  readonly rules: number;
  readonly partitions: number;
  readonly settings: Settings;
  readonly keeping: Keeping;
  /** For what can't go on: the process must end, and another one takes over from what is stored. */
  fatal(error: unknown): void;
}

export const newCounts = (): Counts => ({
  events: 0,
  ignored: 0,
  forged: 0,
  orphaned: 0,
  snapshots: 0,
  checkpoints: 0,
  loads: 0,
  quarantined: 0,
});
