// The notifier: hands a notice to the channel it names. How a channel sends is in channels/; who hears of what is decided by the engine.
import { roles } from '@capstan/contracts';
import { defineAgent, nearest, reject } from '@capstan/kit';
import { channels } from './channels/index.ts';
import { settings } from './settings.ts';

const byName = new Map(channels.map((channel) => [channel.name, channel]));

/** Most of it is waiting for far sides. */
const concurrency = 16;

export const newNotifier = () => {
  const { queue, capabilities } = roles.notifier;
  return defineAgent({
    queue,
    domain: 'notification',
    capabilities: Object.keys(capabilities),
    describes: () => [
      {
        name: 'notify',
        description: `Sends a notice by one of its channels: ${[...byName.keys()].join(', ')}.`,
        ...capabilities.notify,
        risk: 'low',
        needs: { egress: ['*'] },
      },
    ],
    concurrency,
    ...settings,
    run: async (_order, context) => {
      const input = capabilities.notify.input.safeParse(await context.input());
      if (!input.success) {
        const issue = input.error.issues[0];
        return reject('invalid_input', `${issue?.path.map(String).join('.')}: ${issue?.message}`);
      }
      const channel = byName.get(input.data.channel);
      if (!channel) return reject('unknown_channel', unknown(input.data.channel));
      return channel.send(input.data, context);
    },
  });
};

const unknown = (name: string): string => {
  const meant = nearest(name, byName.keys());
  return `There is no channel "${name}".${meant ? ` Did you mean "${meant}"?` : ''} There are ${[...byName.keys()].join(', ')}.`;
};
