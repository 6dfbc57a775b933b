// The command line as a process of its own, as somebody would type it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

export const capstan = async (url: string, ...words: readonly string[]): Promise<Ran> => {
  const main = join(import.meta.dirname, '../../../packages/cli/src/main.ts');
  const child = spawn(process.execPath, [main, ...words, '--nats-url', url], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  const [out, err, [exit]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { exit, out, err };
};
