// A stream that must have a limit where nobody chose one: the largest that the account and the server's disk still have room for. The server
// alone knows, so it is asked for less and less.
import { limits } from '@capstan/contracts';
import type { Asker } from './asker.ts';
import { look, type Reply } from './api.ts';
import { refusal } from './refusal.ts';

interface AccountInfo {
  readonly limits?: { readonly max_storage?: number };
}

/** Tries sizes until one is taken; the reply to the last one otherwise. */
export const withinBounds = async <T>(
  asker: Asker,
  name: string,
  act: (bytesMax: number) => Promise<Reply<T>>,
): Promise<Reply<T>> => {
  const account = await look<AccountInfo>(asker, 'INFO');
  const storage = account?.limits?.max_storage ?? 0;
  // Half of what the account has: the rest is for everything else.
  let size = Math.min(limits.eventsBytesMax, storage > 0 ? Math.floor(storage / 2) : Number.POSITIVE_INFINITY);
  for (;;) {
    const reply = await act(size);
    if (reply.ok || refusal(reply.error, name).code !== 'full' || size / 2 < limits.eventsBytesMin) return reply;
    size = Math.floor(size / 2);
  }
};
