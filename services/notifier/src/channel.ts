// What a channel is.
import type { notifyInput } from '@capstan/contracts';
import type { Outcome } from '@capstan/kit';
import type { z } from 'zod';
import type { NotifierContext } from './settings.ts';

export type Notice = z.output<typeof notifyInput>;

/** Sending twice with the same key should send once; where the far side can't promise that, the head of the channel's file says so. */
export interface Channel {
  readonly name: string;
  readonly description: string;
  send(notice: Notice, context: NotifierContext): Promise<Outcome>;
}
