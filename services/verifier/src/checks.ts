// Reads what a plan asks to be checked, and explains what can't be.
import { reject, Stopped } from '@capstan/kit';
import type { z } from 'zod';
import { type Check, check } from './check.ts';
import { formats } from './findings.ts';

/** Throws `Stopped` where one is no check. */
export const readChecks = (said: readonly unknown[]): Check[] =>
  said.map((one, at) => {
    const parsed = check.safeParse(one);
    if (!parsed.success) throw wrong(['checks', at], parsed.error.issues[0]);
    const unknown = unknownFormat(parsed.data);
    if (unknown !== null) throw refused(`checks.${at}.format: ${unknown}`);
    return parsed.data;
  });

export const unknownFormat = ({ format }: Pick<Check, 'format'>): string | null => {
  const known = formats();
  if (format === undefined || known.includes(format)) return null;
  return `there is no "${format}"; it may be ${known.join(', ')}, or left out to be found.`;
};

const wrong = (path: readonly PropertyKey[], issue: z.core.$ZodIssue | undefined): Stopped =>
  refused(`${[...path, ...(issue?.path ?? [])].map(String).join('.')}: ${issue?.message}`);

const refused = (message: string): Stopped => new Stopped(reject('invalid_input', message));
