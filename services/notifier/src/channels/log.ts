// A line in the notifier's own log. Sent again, it is there again: the key in the line tells.
import { done } from '@capstan/kit';
import type { Channel } from '../channel.ts';

export const log: Channel = {
  name: 'log',
  description: 'Writes the notice into the log of the notifier.',
  send: async ({ event, subject, text, key, task }, context) => {
    context.log.info({ event, subject, text, key, about: task }, 'Notice.');
    return done({ sent: true });
  },
};
