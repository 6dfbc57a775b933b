// Which times are due: cron expressions in time zones. Here and not in the engine, since it depends on the tables of time zones that a machine has.
import { timeMs } from '@capstan/contracts';
import { Cron } from 'croner';

/** As a schedule's effect has it: `cron`, or `at`, and a time zone. */
export type Timing = Readonly<Record<string, unknown>>;

/** Of more times than this that were missed, only the newest are told. */
export const timesMax = 100;

const parse = (timing: Timing): Cron | null => {
  const { cron, time_zone: timezone } = timing;
  if (typeof cron !== 'string') return null;
  return new Cron(cron, {
    paused: true,
    mode: '5-or-6-parts',
    timezone: typeof timezone === 'string' ? timezone : 'UTC',
  });
};

/** The first time after one; null where there is none any more. */
export const nextAfter = (timing: Timing, after: number): number | null => {
  const { at } = timing;
  if (typeof at === 'string') return timeMs(at) > after ? timeMs(at) : null;
  return parse(timing)?.nextRun(new Date(after))?.getTime() ?? null;
};

/** Those after one, up to now, the newest last. */
export const dueBetween = (timing: Timing, after: number, now: number): number[] => {
  const times: number[] = [];
  for (let at = nextAfter(timing, after); at !== null && at <= now; at = nextAfter(timing, at)) {
    times.push(at);
    if (times.length > timesMax) return newest(timing, now);
  }
  return times;
};

const newest = (timing: Timing, now: number): number[] =>
  (parse(timing)?.previousRuns(timesMax, new Date(now + 1)) ?? []).map((date) => date.getTime()).toReversed();

/** What is wrong with a timing, in words; null where nothing is. */
export const timingIssue = (timing: Timing): { readonly path: string; readonly issue: string } | null => {
  const { cron, at, time_zone: zone } = timing;
  if ((cron === undefined) === (at === undefined))
    return { path: 'cron', issue: 'is one of two ways to say when; give either cron or at' };
  try {
    // Throws for a name that the machine's tables do not have.
    new Intl.DateTimeFormat('en', { timeZone: typeof zone === 'string' ? zone : 'UTC' });
  } catch {
    return { path: 'time_zone', issue: 'must be the name of a time zone, such as Europe/Berlin' };
  }
  try {
    if (typeof cron === 'string' && nextAfter(timing, 0) === null)
      return { path: 'cron', issue: 'is due on no day there is' };
  } catch (error) {
    return { path: 'cron', issue: `is no cron expression: ${(error as Error).message.replace('CronPattern: ', '')}` };
  }
  return null;
};
