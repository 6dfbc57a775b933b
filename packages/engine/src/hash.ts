// Hashes that decisions need: the same for every reader of the log, on every machine.
import { createHash } from 'node:crypto';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What an approval is bound to: the plan, and the input as it would be ordered. */
export const inputHash = (planHash: string | null, input: unknown): string =>
  sha256(`${planHash ?? ''}\n${JSON.stringify(input)}`);

/** A number from 0 up to but without 1, drawn from a text: FNV-1a. What looks random must come out the same on replay. */
export const fraction = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // FNV's low bits of short, similar texts differ little: mix once more.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 0x1_0000_0000;
};

export const iso = (at: number): string => new Date(at).toISOString();
