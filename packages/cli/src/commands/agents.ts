// `capstan agents`: who is there to do work.
import { listAgents } from '../answers.ts';
import { defineCommand } from '../command.ts';
import { exits } from '../exit.ts';
import { clean, jsonText } from '../text.ts';
import { table } from '../table.ts';

export const agents = defineCommand({
  name: 'agents',
  group: 'operate',
  summary: 'List the agents that are alive',
  description: 'An agent that falls silent disappears from this list after ten seconds.',
  arguments: [],
  options: {
    domain: { type: 'text', value: 'DOMAIN', text: 'only those of this domain' },
    capability: { type: 'text', value: 'NAME', text: 'only those that offer this capability' },
    health: { type: 'text', value: 'HEALTH', text: 'only those in this health', oneOf: ['ok', 'degraded', 'draining'] },
  },
  examples: [
    { run: 'capstan agents', what: 'queue, instance, how busy, and what each can do' },
    { run: 'capstan agents --capability shell', what: 'who could run a shell step' },
  ],
  run: async ({ options, connect, json, terminal }) => {
    const { items } = await listAgents(await connect(), options);
    if (json) terminal.print(jsonText({ agents: items }));
    else if (items.length === 0)
      terminal.remark(
        'No agents. Tasks wait as blocked until one appears; `npm start` starts those that come with Capstan.',
      );
    else {
      const rows = items.map((one) => [
        clean(one.queue),
        clean(one.instance),
        clean(one.health ?? 'ok'),
        `${one.busy ?? 0}/${one.concurrency ?? '?'}`,
        one.capabilities.length > 12
          ? `${one.capabilities.slice(0, 12).map(clean).join(' ')} … (${one.capabilities.length} in all)`
          : one.capabilities.map(clean).join(' '),
      ]);
      for (const line of table(
        [['QUEUE', 'INSTANCE', 'HEALTH', 'BUSY', 'CAPABILITIES'], ...rows],
        terminal.size().columns,
      ))
        terminal.print(line);
      for (const [why, names] of missing(items))
        terminal.remark(`Not just now: ${names.map(clean).join(', ')}. ${clean(why)}`);
    }
    return exits.ok;
  },
});

/** What agents could do but for something that is missing, by what that is. */
const missing = (
  items: readonly { readonly missing?: Readonly<Record<string, string>> | undefined }[],
): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const [name, why] of items.flatMap((one) => Object.entries(one.missing ?? {})))
    found.set(why, [...new Set([...(found.get(why) ?? []), name])]);
  return found;
};
