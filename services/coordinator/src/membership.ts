// Whether this process may speak for the partitions that it owns. A membership that could not be renewed for as long as it lives may have passed
// to somebody else, who may have finished and purged what is remembered here: nothing is published any more until all is loaded anew.
import { type Bus, BusError } from '@capstan/bus';
import { limits } from '@capstan/contracts';
import type { Clock } from './clock.ts';

export interface Membership {
  /** Counts the times that it has lapsed: what was begun in an earlier term is nobody's to finish here. */
  readonly term: number;
  /** Notices by itself when it has lapsed. */
  isFresh(): boolean;
  /** It was renewed by what was sent at that time. True where it had lapsed: all is to be loaded anew. */
  renewed(sentAt: number): boolean;
  /** The newest rules that every live coordinator knows, as far as is heard: what comes in now is taken in under these. */
  readonly rules: number;
  agreedOn(rules: number): void;
  /** The partitions that hold tasks for a newer coordinator only. */
  readonly behind: ReadonlySet<number>;
  fallBehind(partition: number): void;
  onBehind(tell: () => void): void;
  /** Called at once when it is noticed, before anything else is said: whatever is in memory is to be dropped. */
  onLapse(drop: () => void): void;
}

export const newMembership = (clock: Clock, known: number): Membership => {
  let renewedAt = clock.now();
  let lapsed = false;
  let term = 0;
  let rules = known;
  const behind = new Set<number>();
  const drops: (() => void)[] = [];
  const tells: (() => void)[] = [];
  return {
    get term() {
      return term;
    },
    isFresh: () => {
      if (lapsed) return false;
      if (clock.now() - renewedAt <= limits.memberTtlMs) return true;
      lapsed = true;
      term += 1;
      for (const drop of drops) drop();
      return false;
    },
    renewed: (sentAt) => {
      // Sent before the process stood still and answered after: that it was alive then says nothing.
      if (clock.now() - sentAt > limits.memberTtlMs) return false;
      renewedAt = sentAt;
      const again = lapsed;
      lapsed = false;
      return again;
    },
    get rules() {
      return rules;
    },
    agreedOn: (all) => {
      rules = Math.min(known, all);
    },
    behind,
    fallBehind: (partition) => {
      if (behind.has(partition)) return;
      behind.add(partition);
      for (const tell of tells) tell();
    },
    onBehind: (tell) => void tells.push(tell),
    onLapse: (drop) => void drops.push(drop),
  };
};

/** A bus that publishes nothing under a name while the membership is not fresh. */
export const fenced = (bus: Bus, membership: Membership): Bus => ({
  ...bus,
  once: (saying) =>
    membership.isFresh()
      ? bus.once(saying)
      : Promise.reject(
          new BusError('unavailable', 'This coordinator was out of touch for too long, and loads anew what it owns.'),
        ),
});
