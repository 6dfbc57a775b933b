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

const dayMs = 86_400_000;
const lastDay = Math.floor(Date.UTC(9_999, 11, 31) / dayMs);
let known = { day: -1, text: '' };
/** A snapshot says most of its times several times, and every step of a batch says the same ones. */
const recent = Array.from({ length: 64 }, () => ({ at: Number.NaN, text: '' }));
const digits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

/** RFC 3339. Most times are of the same day as the last one, and writing a date costs as much as a quarter of a decision. */
export const iso = (at: number): string => {
  const slot = recent[at & 63] as { at: number; text: string };
  if (slot.at !== at) {
    slot.text = written(at);
    slot.at = at;
  }
  return slot.text;
};

const written = (at: number): string => {
  const day = Math.floor(at / dayMs);
  if (at < 0 || day > lastDay) return new Date(at).toISOString();
  if (day !== known.day) known = { day, text: new Date(day * dayMs).toISOString().slice(0, 11) };
  const ms = Math.floor(at - day * dayMs);
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  const left = String(ms % 1_000).padStart(3, '0');
  return `${known.text}${digits[Math.floor(minutes / 60)]}:${digits[minutes % 60]}:${digits[seconds % 60]}.${left}Z`;
};
