// The end of a stream of output, within a limit.

export interface Tail {
  push(chunk: Uint8Array): void;
  text(): string;
  /** Whether there was more before it. */
  truncated(): boolean;
}

export const newTail = (bytesMax: number): Tail => {
  let chunks: Uint8Array[] = [];
  let size = 0;
  let cut = false;
  const trim = (): Buffer => {
    const all = Buffer.concat(chunks);
    const kept = all.length > bytesMax ? all.subarray(startOfLetter(all, all.length - bytesMax)) : all;
    cut ||= kept.length < all.length;
    chunks = [kept];
    size = kept.length;
    return kept;
  };
  return {
    push: (chunk) => {
      chunks.push(Uint8Array.from(chunk));
      size += chunk.length;
      // Now and then, so that a chatty command costs neither memory nor time.
      if (size > bytesMax * 2 + 65_536) trim();
    },
    text: () => trim().toString('utf8'),
    truncated: () => {
      trim();
      return cut;
    },
  };
};

/** Not in the middle of a letter of several bytes. */
const startOfLetter = (data: Buffer, from: number): number => {
  let at = from;
  while (at < data.length && at < from + 4 && ((data[at] as number) & 0xc0) === 0x80) at++;
  return at;
};
