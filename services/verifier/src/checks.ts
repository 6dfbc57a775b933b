// Reads what a plan asks to be checked, and explains what can't be.
import { reject, Stopped } from '@capstan/kit';
import { type Check, check } from './check.ts';
import { formats } from './findings.ts';
import { type Repository, repository } from './repository.ts';

/** Throws `Stopped` where one is neither a check nor a repository. */
export const readChecks = (said: readonly unknown[]): (Check | Repository)[] =>
  said.map((one, at) => {
    const isRepository = typeof one === 'object' && one !== null && 'repository' in one;
    if (!isRepository && typeof one === 'object' && one !== null && !('command' in one))
      throw refused(`checks.${at}: has neither a "command" nor a "repository"; docs/verifying.md shows both.`);
    const parsed = (isRepository ? repository : check).safeParse(one);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw refused(`${['checks', at, ...(issue?.path ?? [])].map(String).join('.')}: ${issue?.message}`);
    }
    const unknown = 'format' in parsed.data ? unknownFormat(parsed.data) : null;
    if (unknown !== null) throw refused(`checks.${at}.format: ${unknown}`);
    return parsed.data;
  });

export const unknownFormat = ({ format }: { readonly format?: string | undefined }): string | null => {
  const known = formats();
  if (format === undefined || known.includes(format)) return null;
  return `there is no "${format}"; it may be ${known.join(', ')}, or left out to be found.`;
};

const refused = (message: string): Stopped => new Stopped(reject('invalid_input', message));
