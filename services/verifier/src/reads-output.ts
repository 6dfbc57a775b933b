// What reads findings out of the output of a check.
import type { Finding } from '@capstan/contracts';
import type { CommandResult } from '@capstan/sandbox';
import type { Check } from './check.ts';

export interface Verifier {
  readonly name: string;
  /** Null where this is not output that it understands. */
  read(check: Check, result: CommandResult): Finding[] | null;
}
