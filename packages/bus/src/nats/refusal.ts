// What the server's refusals mean (2.15.1, `server/errors.json`). Read from the text, since most answers hold no error and are not parsed.
import { BusError } from '../error.ts';

export interface ServerError {
  /** Like an HTTP status. */
  readonly code: number;
  readonly err_code: number;
  readonly description: string;
}

export const errorIn = (text: string): ServerError | null => {
  if (!text.includes('"error"')) return null;
  try {
    return (JSON.parse(text) as { error?: ServerError }).error ?? null;
  } catch {
    return { code: 500, err_code: 0, description: text.slice(0, 200) };
  }
};

/** The sequence in a publish's answer. */
export const seqIn = (text: string): number => {
  const found = text.indexOf('"seq":');
  return found < 0 ? 0 : Number.parseInt(text.slice(found + 6), 10);
};

/** The name is taken, or another revision is there; 10164 is the same within one batch. */
export const isTaken = (error: ServerError): boolean => error.err_code === 10_071 || error.err_code === 10_164;

export const isMissing = (error: ServerError): boolean => error.code === 404;

/** Worth another try by itself. */
export const mayPass = (error: ServerError): boolean => {
  if (isFull(error) || isTooLarge(error) || isTaken(error)) return false;
  // Open batches are limited; one of which a part was lost is dropped by the server; an id is "in process"; no leader yet.
  return error.code === 503 || [10_176, 10_158, 10_210, 10_211].includes(error.err_code);
};

/** As the bus says it. */
export const refusal = (error: ServerError, subject: string): BusError => {
  const about = subject.length > 160 ? `${subject.slice(0, 160)}…` : subject;
  const message = `${about}: ${error.description} (${error.err_code})`;
  if (isTooLarge(error)) return new BusError('too_large', message);
  if (isFull(error)) return new BusError('full', message);
  if (isTaken(error)) return new BusError('conflict', message);
  return new BusError('unavailable', message);
};

const isFull = (error: ServerError): boolean =>
  [10_002, 10_023, 10_028, 10_047].includes(error.err_code) ||
  (error.err_code === 10_077 && /maximum (bytes|messages)/.test(error.description));

const isTooLarge = (error: ServerError): boolean =>
  [10_054, 10_097].includes(error.err_code) || (error.err_code === 10_077 && /too large/.test(error.description));
