// Ids become tokens of subjects and keys of buckets, so what they may hold is said once and checked at every door.
import { z } from 'zod';

/** Letters, digits, "_" and "-": safe in a subject, a bucket key, a file name and a container name. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const idIssue = 'must be 1 to 64 letters, digits, "_" or "-", and begin with a letter or a digit';

export const id = z.string().regex(idPattern, idIssue);

/** A capability is matched, never part of a subject, so it may have dots: `github.merge`, `mcp.files.read`. */
export const capability = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
    'must be 1 to 128 letters, digits, ".", "_" or "-", and begin with a letter or a digit',
  );

/** Ids that Capstan makes itself begin with "_", which no user's id may. */
export const isInternal = (name: string): boolean => name.startsWith('_');

// No flags: a generated JSON Schema carries the pattern's source alone.
const rfc3339 = /^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2}))?$/;
const timeIssue = 'must be an RFC 3339 time, such as 2026-12-01T09:00:00Z, or a date';

/** RFC 3339; a date alone means its end, UTC. */
export const time = z
  .string()
  .max(40)
  .regex(rfc3339, { error: timeIssue, abort: true })
  .refine(isOnCalendar, timeIssue);

/** Milliseconds since 1970 of a text that passed `time`. */
export const timeMs = (text: string): number => Date.parse(text.length === 10 ? `${text}T23:59:59.999Z` : text);

/** `Date.parse` takes February 30 for March 2, so the day is read back. */
function isOnCalendar(text: string): boolean {
  const day = text.slice(0, 10);
  const start = Date.parse(day);
  return !Number.isNaN(Date.parse(text)) && new Date(start).toISOString().startsWith(day);
}

export const ms = z.int().min(0).max(31_536_000_000);
export const version = z.literal(1).optional();
