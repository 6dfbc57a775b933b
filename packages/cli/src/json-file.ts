// Reads a JSON object from a file or from stdin, and says plainly what is wrong with it.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { limits } from '@capstan/contracts';
import { mistake } from './exit.ts';

const bytesMax = limits.planBytesMax + limits.bodyBytesMax;

export const readJsonFile = async (path: string): Promise<Record<string, unknown>> => {
  const where = path === '-' ? 'what came on stdin' : path;
  const text =
    path === '-'
      ? await readStdin()
      : await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
          throw mistake(
            `${path} can't be read: ${reasons[error.code ?? ''] ?? error.message}.`,
            'Give the path of a JSON file, or - for stdin.',
          );
        });
  if (text.length > bytesMax)
    throw mistake(`${where} is larger than ${bytesMax} bytes.`, 'Say equal steps once, with "each".');
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw mistake(
      `${where} is not JSON: ${placed((error as Error).message, text)}.`,
      'Check it with a JSON editor or `jq .`.',
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw mistake(`${where} is not a JSON object.`, 'It begins with { and ends with }.');
  return value as Record<string, unknown>;
};

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'you may not',
};

const readStdin = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > bytesMax) throw mistake(`What came on stdin is larger than ${bytesMax} bytes.`);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** V8 counts characters; people count lines. */
const placed = (message: string, text: string): string => {
  const position = /at position (\d+)/.exec(message)?.[1];
  const what = message.split(/ in JSON| at position|, "/)[0] ?? message;
  if (position === undefined) return what;
  const before = text.slice(0, Number(position)).split('\n');
  return `${what} at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
};
