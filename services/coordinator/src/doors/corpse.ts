// A stored message as dead letters want it: with the name of the stream that it was in.
import type { Corpse, Message } from '@capstan/bus';

export const corpseOf = (message: Message, stream: string): Corpse => ({
  subject: message.subject,
  data: message.data,
  seq: message.seq,
  at: message.at,
  stream,
  headers: () => message.headers(),
});
