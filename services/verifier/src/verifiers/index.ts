// What reads findings out of the output of a check, one line each; the first that knows the output wins, and the last knows any.
import type { Finding } from '@capstan/contracts';
import type { CommandResult } from '@capstan/sandbox';
import type { Check } from '../check.ts';
import type { Verifier } from '../reads-output.ts';
import { tail } from './tail.ts';

export const verifiers: readonly Verifier[] = [tail];

export const findingsOf = (check: Check, result: CommandResult): Finding[] => {
  for (const verifier of verifiers) {
    const findings = verifier.read(check, result);
    if (findings) return findings;
  }
  return [];
};
