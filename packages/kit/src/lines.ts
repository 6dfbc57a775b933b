// A stream of output as masked lines: a secret is found even where two chunks, or a very long line, would cut it.
import { StringDecoder } from 'node:string_decoder';
import type { Mask } from './masking.ts';

export interface Lines {
  /** The lines that this chunk completes, without their ends. */
  push(chunk: Uint8Array | string): string[];
  /** What is left at the end, if anything. */
  end(): string[];
}

/** A line longer than this is handed out in pieces. */
const lineLengthMax = 16 * 1_024;

export const newLines = (mask: Mask): Lines => {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string): string[] => {
    rest += text;
    const complete = rest.split('\n');
    rest = complete.pop() as string;
    const lines = complete.flatMap((line) => pieces(line.endsWith('\r') ? line.slice(0, -1) : line, mask));
    while (rest.length > lineLengthMax + mask.longest) {
      const at = cutBefore(rest, mask);
      lines.push(...pieces(rest.slice(0, at), mask));
      rest = rest.slice(at);
    }
    return lines;
  };
  return {
    push: (chunk) =>
      take(
        typeof chunk === 'string'
          ? chunk
          : decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)),
      ),
    end: () => {
      const lines = take(decoder.end());
      if (rest) lines.push(...pieces(rest, mask));
      rest = '';
      return lines;
    },
  };
};

/** Far enough from the end that a secret which begins before it is complete, and not inside of one. */
const cutBefore = (text: string, mask: Mask): number => {
  let at = text.length - mask.longest;
  for (const [from, to] of mask.places(text).toReversed()) if (from < at && to > at) at = from;
  return Math.max(1, at);
};

const pieces = (line: string, mask: Mask): string[] => {
  const masked = mask.text(line);
  if (masked.length <= lineLengthMax) return [masked];
  return Array.from({ length: Math.ceil(masked.length / lineLengthMax) }, (_, i) =>
    masked.slice(i * lineLengthMax, (i + 1) * lineLengthMax),
  );
};
