// In whose name a person's command is said.
import { userInfo } from 'node:os';
import type { Options } from './command.ts';

export const personOptions = {
  as: {
    type: 'text',
    value: 'NAME',
    text: 'in whose name (default: who is logged in here); with credentials it is theirs',
    env: 'CAPSTAN_AS',
  },
  reason: { type: 'text', value: 'TEXT', text: 'why, for the record' },
} as const satisfies Options;

export const personOf = (as: string | undefined): string => {
  if (as) return as;
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number without a name.
    return 'unknown';
  }
};
