import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frames } from './frames.ts';

const frame = (stream: number, text: string): Buffer => {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
};

const read = async (chunks: Iterable<Buffer>): Promise<string> => {
  let text = '';
  for await (const { stream, data } of frames(from(chunks))) text += `${stream[3]}:${data.toString()} `;
  return text;
};

async function* from(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}

const all = Buffer.concat([frame(1, 'one'), frame(2, 'two'), frame(1, ''), frame(1, 'three')]);

test('streams are told apart, however the bytes are cut', async () => {
  assert.equal(await read([all]), 'o:one e:two o:three ');
  const bytes = Array.from(all, (byte) => Buffer.from([byte]));
  assert.equal((await read(bytes)).replaceAll(/ ?[oe]:/g, ''), 'onetwothree ');
});

test('what reads slowly is waited for', async () => {
  let given = 0;
  async function* source(): AsyncGenerator<Buffer> {
    for (; given < 10; given++) yield frame(1, 'x'.repeat(1_000));
  }
  const reading = frames(source());
  await reading.next();
  assert.equal(given, 0);
  await reading.next();
  assert.equal(given, 1);
});

test('what is not in frames is not taken for output', async () => {
  await assert.rejects(read([Buffer.from('HTTP/1.1 400 Bad Request')]), /not in frames/);
});
