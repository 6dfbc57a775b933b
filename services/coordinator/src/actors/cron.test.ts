// When a schedule is due: expressions, time zones with their changes of the clock, long absences, and what is said of a mistake.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueBetween, nextAfter, timesMax, timingIssue } from './cron.ts';

const at = (text: string): number => Date.parse(text);
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const berlin = { cron: '30 2 * * *', time_zone: 'Europe/Berlin' };

test('the next time is after the one before, never the same', () => {
  const every = { cron: '* * * * *' };
  assert.equal(iso(nextAfter(every, at('2026-01-01T00:01:00Z'))), '2026-01-01T00:02:00.000Z');
  assert.equal(iso(nextAfter({ cron: '*/10 * * * * *' }, at('2026-01-01T00:01:01Z'))), '2026-01-01T00:01:10.000Z');
});

test('in a time zone: an hour that is left out is made good, one that comes twice counts once', () => {
  assert.deepEqual(dueBetween(berlin, at('2026-03-28T12:00:00Z'), at('2026-03-30T12:00:00Z')).map(iso), [
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
  assert.deepEqual(dueBetween(berlin, at('2026-10-24T12:00:00Z'), at('2026-10-26T12:00:00Z')).map(iso), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
});

test('after a long absence only the newest are told, and in order', () => {
  const times = dueBetween({ cron: '* * * * *' }, at('2025-01-01T00:00:00Z'), at('2026-01-01T00:00:30Z'));
  assert.deepEqual(
    [times.length, iso(times[0] ?? null), iso(times.at(-1) ?? null)],
    [timesMax, '2025-12-31T22:21:00.000Z', '2026-01-01T00:00:00.000Z'],
  );
});

test('a time in so many words is due once', () => {
  const once = { at: '2026-12-01T09:00:00+01:00' };
  assert.deepEqual(dueBetween(once, 0, at('2027-01-01T00:00:00Z')).map(iso), ['2026-12-01T08:00:00.000Z']);
  assert.equal(nextAfter(once, at('2026-12-01T08:00:00Z')), null);
});

test('a mistake is said with what was expected', () => {
  assert.equal(timingIssue(berlin), null);
  assert.match(timingIssue({ cron: '61 0 * * *' })?.issue ?? '', /no cron expression: Invalid value for minute: 61/);
  assert.match(timingIssue({ cron: '0 0 30 2 *' })?.issue ?? '', /due on no day/);
  assert.match(timingIssue({ cron: '* * * * *', time_zone: 'Mars/Base' })?.issue ?? '', /such as Europe\/Berlin/);
  assert.match(timingIssue({})?.issue ?? '', /either cron or at/);
  assert.match(timingIssue({ cron: '* * * * *', at: '2026-12-01' })?.issue ?? '', /either cron or at/);
});
