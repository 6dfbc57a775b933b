// A scenario: one kind of trouble, on a stage of its own.
import type { Counts } from '../counts.ts';

export interface Play {
  readonly counts: Counts;
  readonly seed: number;
  /** How long the trouble lasts, where that may be chosen. */
  readonly seconds: number;
}

export interface Played {
  /** The laws that were broken, a sentence each. */
  readonly violations: readonly string[];
  /** Why this machine can't play it. */
  readonly skipped?: string;
}

export interface Scenario {
  readonly name: string;
  /** How often it is played in a long run, beside the others. */
  readonly weight: number;
  run(play: Play): Promise<Played>;
}
