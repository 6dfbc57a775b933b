// The output of a container as the engine sends it: frames of stdout and stderr in one stream. Read one after the other, so that whoever
// reads slowly is waited for; the demultiplexer that comes with the client keeps what nobody has read in memory.

export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

const headerBytes = 8;

export async function* frames(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let chunks: Buffer[] = [];
  let held = 0;
  let left = 0;
  let stream: Frame['stream'] = 'stdout';
  const take = (bytes: number): Buffer => {
    const all = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    chunks = all.length > bytes ? [all.subarray(bytes)] : [];
    held -= bytes;
    return all.subarray(0, bytes);
  };
  for await (const chunk of source) {
    chunks.push(chunk);
    held += chunk.length;
    while (held > 0) {
      if (left > 0) {
        const data = take(Math.min(left, held));
        left -= data.length;
        yield { stream, data };
        continue;
      }
      if (held < headerBytes) break;
      const header = take(headerBytes);
      if ((header[0] as number) > 2) throw new Error('The engine sent output that is not in frames.');
      stream = header[0] === 2 ? 'stderr' : 'stdout';
      left = header.readUInt32BE(4);
    }
  }
}
