// One text for one value: JSON with its keys in the order of their code units. What is compared or hashed goes through here.
import { hash } from 'node:crypto';

/** Takes what JSON can say; what it can't is left out or null, as `JSON.stringify` does. Safe for any depth. */
export const canonical = (value: unknown): string => {
  let out = '';
  const open: Frame[] = [];
  let next: unknown = value;
  for (;;) {
    const frame = frameOf(next);
    if (frame) {
      out += frame.keys ? '{' : '[';
      open.push(frame);
    } else out += scalar(next);
    for (;;) {
      const top = open[open.length - 1];
      if (!top) return out;
      if (top.at === top.length) {
        out += top.keys ? '}' : ']';
        open.pop();
        continue;
      }
      if (top.at > 0) out += ',';
      if (top.keys) {
        const key = top.keys[top.at] as string;
        out += `${JSON.stringify(key)}:`;
        next = (top.of as Record<string, unknown>)[key];
      } else next = (top.of as unknown[])[top.at];
      top.at++;
      break;
    }
  }
};

/** SHA-256 as 64 hexadecimal digits. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex');

interface Frame {
  readonly of: object;
  /** The keys of an object in order; null for an array. */
  readonly keys: readonly string[] | null;
  readonly length: number;
  at: number;
}

const frameOf = (value: unknown): Frame | null => {
  if (typeof value !== 'object' || value === null) return null;
  if (Array.isArray(value)) return { of: value, keys: null, length: value.length, at: 0 };
  const keys = Object.keys(value)
    .filter((key) => sayable((value as Record<string, unknown>)[key]))
    .sort();
  return { of: value, keys, length: keys.length, at: 0 };
};

const sayable = (value: unknown): boolean =>
  value !== undefined && typeof value !== 'function' && typeof value !== 'symbol';

const scalar = (value: unknown): string => (sayable(value) ? JSON.stringify(value) : 'null');
