// What everything in this folder shares: one connection, its questions, and whoever must start anew when the connection comes back.
import type { NatsConnection } from 'nats';
import type { Watcher } from '../asking.ts';
import type { Asker } from './asker.ts';
import type { Outgoing } from './outgoing.ts';

export interface Line {
  readonly connection: NatsConnection;
  readonly asker: Asker;
  readonly outgoing: Outgoing;
  readonly ackWaitMs: number;
  readonly maxDeliver: number;
  /** For what an operator should hear: refused permissions, a log that lost its end, a consumer that is gone. */
  readonly warn: (message: string) => void;
  readonly online: () => boolean;
  /** A subject for replies that nobody else has. */
  readonly inbox: () => string;
  /** Told when the connection breaks, and when it is there again. */
  readonly watchers: Set<Watcher>;
}

/** What a handler throws must stop the process; thrown into nats.js it would silently stop the connection's reading instead. */
export const guarded = (act: () => void): boolean => {
  try {
    act();
    return true;
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
    return false;
  }
};

/** The server sends a sign of life on an open pull this often; without one for two to three times as long, the consumer counts as gone. */
export const heartbeatMs = 2_000;
export const pullMs = 30_000;
export const retryMs = 250;
